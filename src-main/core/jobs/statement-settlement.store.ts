/**
 * The money of jobs on venues that sign no receipts: claimed → acknowledged → accrued → available → paid → received.
 * Every step may be repeated; a statement that says the same again moves nothing.
 */
import { createHash } from 'node:crypto'

import { done as outboxDone } from '#books/outbox.ts'
import { transferId } from '#books/transfer-ids.ts'
import { fail } from '#contract/errors.ts'
import { storedReason } from '#contract/reasons.ts'
import { nano } from '#contract/money.ts'
import type { VenueContext } from '#core/core-context.ts'
import { STATEMENT_BYTES_MAX, type Statement, type StatementLine } from '#core/venues/index.ts'
import type { WriteDb } from '#db/db-types.ts'

import { findJob, updateJob, type SellerJobRow } from './jobs.store.ts'
import { addReleased, addSettled } from './rollup.store.ts'
import { AVAILABLE, bookBilled, CLAIM_KIND, HELD } from './settlement.store.ts'
import { decideLine } from './statement-lines.ts'
import {
  BY_STATEMENT,
  insertLine,
  insertStatement,
  lineOf,
  statementSeq,
  updateLine,
  type LineState,
} from './statements.store.ts'

/** What the venue says it sent, and what the owner says arrived. */
export const PAID = 'asset:paid'
export const RECEIVED = 'asset:received'
const LINES_MAX = 10_000

/** The account that money leaves and the one it comes to when a line reaches a state. */
const MOVES: Readonly<Record<Exclude<LineState, 'accrued'>, readonly [from: string, to: string, code: string]>> = {
  available: [HELD, AVAILABLE, 'release'],
  paid: [AVAILABLE, PAID, 'paid'],
  received: [PAID, RECEIVED, 'received'],
}

export interface StatementSettlement {
  /** The venue took the job; `amountNano` is what it says the job brings. No effect on a job that is not claimed. */
  acknowledge(jobId: string, amountNano: number | null): void
  /** Books what is new in it. Error TOO_LARGE. How many lines are new or moved. */
  apply(statement: Statement): number
}

type Deps = Pick<VenueContext, 'realmDb' | 'books' | 'unit' | 'clock'>

/** `onEarned` is called after every commit that books a job which brings something. */
export function createStatementSettlement(deps: Deps, onEarned: () => void = () => undefined): StatementSettlement {
  const { realmDb, clock } = deps
  realmDb.tx((db) => {
    for (const id of [PAID, RECEIVED]) deps.books.openAccount(db, { id, kind: 'asset', unit: deps.unit })
  })
  return {
    acknowledge: (jobId, amountNano) =>
      realmDb.tx((db) => {
        const job = findJob(db, jobId)
        if (job?.state !== 'claimed' || job.acknowledgedAt !== null) return
        updateJob(db, jobId, {
          acknowledgedAt: clock.now(),
          acknowledgedNano: amountNano === null ? null : nano(amountNano),
        })
      }),
    apply(statement) {
      const { changed, earned } = realmDb.tx((db) => applyStatement(deps, db, statement))
      if (earned) onEarned()
      return changed
    },
  }
}

function applyStatement(deps: Deps, db: WriteDb, { text, lines, at }: Statement): { changed: number; earned: boolean } {
  if (Buffer.byteLength(text) > STATEMENT_BYTES_MAX || lines.length > LINES_MAX) throw fail('venue.statementTooLarge')
  const sha256 = createHash('sha256').update(text).digest('hex')
  if (statementSeq(db, sha256) !== null) return { changed: 0, earned: false }
  const seq = insertStatement(db, { at, sha256, lines: lines.length })
  const done = lines.map((line) => applyLine(deps, db, line, seq))
  return {
    changed: done.filter((what) => what !== 'nothing').length,
    earned: done.some((what, index) => what === 'booked' && lines[index]!.amountNano > 0),
  }
}

function applyLine(deps: Deps, db: WriteDb, line: StatementLine, statement: number): 'booked' | 'moved' | 'nothing' {
  const known = lineOf(db, line.jobId)
  const job = findJob(db, line.jobId)
  const { book, moves, difference: found } = decideLine(line, job, known)
  const difference = found === null ? null : storedReason(found)
  if (known === null) insertLine(db, { ...line, statement, state: line.state, difference, booked: book })
  else if (moves.length > 0 || difference !== known.difference)
    updateLine(db, line.jobId, { difference, ...(moves.length > 0 ? { state: moves.at(-1)! } : {}) })
  if (book) bookLine(deps, db, line, job!)
  for (const state of moves) moveLine(deps, db, { ...line, amountNano: known?.amountNano ?? line.amountNano }, state)
  if (book) return 'booked'
  return known === null || moves.length > 0 ? 'moved' : 'nothing'
}

function bookLine(deps: Deps, db: WriteDb, line: StatementLine, job: SellerJobRow): void {
  const now = deps.clock.now()
  bookBilled(deps, db, { grossNano: line.amountNano, feeNano: nano(0) }, job)
  updateJob(db, job.jobId, {
    state: 'settled',
    reason: '',
    grossNano: line.amountNano,
    feeNano: nano(0),
    sellerNano: line.amountNano,
    endedAt: job.endedAt ?? now,
    exchange: BY_STATEMENT,
    receiptSeq: lineOf(db, job.jobId)!.line,
  })
  const facts = {
    settledAt: line.at,
    claim: { timings: { durationMs: job.durationMs ?? 0 } },
    billed: { inputTokens: job.inputTokens ?? 0, outputTokens: job.outputTokens ?? 0 },
    grossNano: line.amountNano,
    feeNano: nano(0),
    sellerNano: line.amountNano,
  }
  addSettled(db, facts, job)
  outboxDone(db, { kind: CLAIM_KIND, key: job.jobId })
}

function moveLine({ books, clock }: Deps, db: WriteDb, line: StatementLine, state: LineState): void {
  if (state === 'accrued') return
  const [from, to, code] = MOVES[state]
  const { jobId, amountNano } = line
  if (amountNano > 0)
    books.transfer(db, {
      id: code === 'release' ? transferId(db, 'release', jobId) : `${code}:${jobId}`,
      debit: to,
      credit: from,
      amount: amountNano,
      code,
      jobId,
      at: clock.now(),
    })
  if (state !== 'available') return
  updateJob(db, jobId, { releasedAt: line.at })
  addReleased(db, lineOf(db, jobId)!.at, findJob(db, jobId)!, amountNano)
}
