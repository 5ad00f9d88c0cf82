/**
 * Composes a Stoker for the demo and walks the loop: practice buyer off, the exchange's ledger clock virtual, nothing
 * reused between prompts.
 */
import { resolve } from 'node:path'

import { auditRig, type RigAudit } from '../audit/audit.ts'
import { exchangeAdmin } from '../exchange-admin.ts'
import { fail } from '#contract/errors.ts'
import { startRuntime, type Runtime } from '#server/runtime.ts'

import { VERSION } from '../version.ts'
import { buyAll, deploy, firstVenue, importModel, INSTRUMENT, list, sitExam, splitScore, until } from './demo-loop.ts'
import { missedCalls } from './missed-calls.ts'
import type { DemoResult } from './demo-report.ts'

const NANO_GGUF = resolve(import.meta.dirname, '../../../resources/models/nano.gguf')
/** Virtual time between jobs: with a hold of 30 s the last ten of twenty jobs stay held. */
const STEP_MS = 3_000
/**
 * Times the grade's own deadline: what the machine needs is not known before the first call
 * (docs/decisions/0006-demo.md).
 */
const DEADLINE_FACTOR = 20

export interface DemoRun {
  dir: string
  seed: string
  jobs: number
  say: (line: string) => void
}

/**
 * Runs it all and stops everything again. Errors: DEADLINE, NOT_QUALIFIED, EXCHANGE_REFUSED, and what startRuntime
 * throws.
 */
export async function runDemo(run: DemoRun): Promise<DemoResult> {
  const exchangeArgs = ['--virtual-clock', '--exam-seed', run.seed, '--deadline-factor', String(DEADLINE_FACTOR)]
  const runtime = await startRuntime({
    dataDir: run.dir,
    practiceBuyer: false,
    prefixReuse: false,
    exchangeArgs,
    version: VERSION,
  })
  try {
    return await walk(run, runtime)
  } finally {
    await runtime.stop()
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Both sides at rest: nothing on its way. */
const settled = (result: RigAudit): RigAudit | null =>
  result.ahead !== null && result.ahead.receipts + result.ahead.releases === 0 && result.ours.open === 0 ? result : null

async function walk(
  { dir, seed, jobs, say }: DemoRun,
  { core: { client }, exchangeUrl }: Runtime,
): Promise<DemoResult> {
  const startedAt = performance.now()
  const missedBefore = missedCalls(dir)
  say('Importing the bundled model …')
  const deploymentId = await deploy(client, await importModel(client, NANO_GGUF))
  say('Sitting the exam …')
  const examAt = performance.now()
  const venueId = await firstVenue(client)
  const seller = { client, venueId }
  const exam = await sitExam(seller, deploymentId, say)
  const examMs = performance.now() - examAt
  await list(seller, deploymentId)
  say(`Selling ${jobs} completions …`)
  const before = auditRig(dir).ours
  const admin = await exchangeAdmin(dir)
  const key = await admin.makeBuyerKey('demo')
  const jobsAt = performance.now()
  const purchases = await buyAll({
    seller,
    exchangeUrl,
    key,
    seed,
    jobs,
    maxTokens: exam.spec.limits.outputTokens,
    afterEach: () => admin.advanceClock(STEP_MS),
    say,
  })
  const jobsMs = performance.now() - jobsAt
  const books = await until('both sides to agree', () => settled(auditRig(dir)))
  const [{ ok }, power, summary] = [
    await client.app.ledgerCheck({ venueId }),
    await client.app.power(),
    await client.earnings.summary({ venueId, from: Date.now() - 86_400_000, to: Date.now() + 60_000, zone: 'UTC' }),
  ]
  const missed = missedCalls(dir) - missedBefore
  if (missed > 0) throw fail('demo.callsLate', { calls: missed })
  const { score, clockLimits } = splitScore(exam)
  const { ours } = books
  const tokensOut = ours.tokensOut - before.tokensOut
  const busyMs = purchases.reduce((sum, purchase) => sum + purchase.durationMs, 0)
  return {
    // Counts of this run; held and available are balances, so only a fresh folder repeats them.
    repro: {
      scores: { [INSTRUMENT]: score },
      jobs: ours.receipts - before.receipts,
      tokensIn: ours.tokensIn - before.tokensIn,
      tokensOut,
      grossNano: ours.grossNano - before.grossNano,
      feeNano: ours.feeNano - before.feeNano,
      heldNano: ours.heldNano,
      availableNano: ours.availableNano,
    },
    timing: {
      totalMs: Math.round(performance.now() - startedAt),
      examMs: Math.round(examMs),
      jobsMs: Math.round(jobsMs),
      ttftP50Ms: Math.round(median(purchases.map((purchase) => purchase.ttftMs)) * 10) / 10,
      tokPerS: busyMs === 0 ? 0 : Math.round((tokensOut / busyMs) * 1_000),
      clockLimits,
    },
    power: { watts: power.watts?.value ?? null, method: summary.powerMethod, kwh: summary.powerKwh },
    ledgerOk: books.ok && ok,
  }
}
