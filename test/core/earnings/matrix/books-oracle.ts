/**
 * What was earned, added up from the transfers of the books and the receipts alone, job by job: none of the sums that
 * the charts read.
 */
import { QUARTER_MS } from '#contract/time.ts'

import type { NaiveBucket } from './naive-calendar.ts'
import type { SoldYear } from './sold-year.ts'

export interface SoldJob {
  /** The quarter hour of its receipt. */
  quarter: number
  instrument: string
  tokens: number
  grossNano: number
  feeNano: number
  availableNano: number
  heldNano: number
}
export interface UsedEnergy {
  quarter: number
  costNano: number
}
export interface Oracle {
  jobs: readonly SoldJob[]
  energy: readonly UsedEnergy[]
}

interface Row {
  settledAt: number
  json: string
  sale: number | null
  fee: number | null
  released: number | null
}
const moved = (code: string): string =>
  `(SELECT sum(amount) FROM transfers t WHERE t.job_id = r.job_id AND t.code = '${code}' AND t.type IN ('direct', 'post'))`

export function oracleOf({ realmDb, rig }: SoldYear): Oracle {
  const rows = realmDb.read
    .prepare<Row>(
      `SELECT settled_at AS settledAt, json, ${moved('sale')} AS sale, ${moved('fee')} AS fee, ${moved('release')} AS released FROM receipts r ORDER BY seq`,
    )
    .all()
  const jobs = rows.flatMap(({ settledAt, json, sale, fee, released }): SoldJob[] => {
    // Disputed: nothing was moved.
    if (sale === null) return []
    const { claim, billed } = JSON.parse(json) as {
      claim: { instrument: string }
      billed: { inputTokens: number; outputTokens: number }
    }
    return [
      {
        quarter: Math.floor(settledAt / QUARTER_MS) * QUARTER_MS,
        instrument: claim.instrument,
        tokens: billed.inputTokens + billed.outputTokens,
        grossNano: sale,
        feeNano: fee ?? 0,
        availableNano: released ?? 0,
        heldNano: sale - (fee ?? 0) - (released ?? 0),
      },
    ]
  })
  const energy = rig.rigDb.read
    .prepare<UsedEnergy>('SELECT quarter_ms AS quarter, cost_nano AS costNano FROM power_quarter')
    .all()
  return { jobs, energy }
}

export interface Sums {
  jobs: number
  tokens: number
  grossNano: number
  feeNano: number
  availableNano: number
  heldNano: number
  powerNano: number
}

export function sumsOf({ jobs, energy }: Oracle, { at, end }: Pick<NaiveBucket, 'at' | 'end'>): Sums {
  const inside = jobs.filter(({ quarter }) => quarter >= at && quarter < end)
  const sum = (pick: (job: SoldJob) => number): number => inside.reduce((total, job) => total + pick(job), 0)
  return {
    jobs: inside.length,
    tokens: sum((job) => job.tokens),
    grossNano: sum((job) => job.grossNano),
    feeNano: sum((job) => job.feeNano),
    availableNano: sum((job) => job.availableNano),
    heldNano: sum((job) => job.heldNano),
    powerNano: energy
      .filter(({ quarter }) => quarter >= at && quarter < end)
      .reduce((total, { costNano }) => total + costNano, 0),
  }
}
