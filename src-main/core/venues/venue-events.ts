/** What a venue tells the core, whatever its wire looks like. A driver turns what it hears into these. */
import type { ErrorValue } from '#contract/errors.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { ExamId, Instrument, JobId } from '#contract/ids.ts'
import type { InferenceRequest } from '#contract/inference.ts'
import type { Nano, Price } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Book, ExamLimitView, Release } from '#contract/supplier.ts'
import type { EpochMs } from '#contract/time.ts'
import type { Lease } from '#core/capacity/lease.port.ts'

/** A job the venue wants done here. */
export interface OfferedJob {
  jobId: JobId
  instrument: Instrument
  specVersion: number
  request: InferenceRequest
  /** Jobs of one scope may share prefixes; without one they share none. */
  cacheScope?: string | undefined
  /** What it is paid at. */
  price: Price
  /** The most that is paid for it. */
  reserveNano: Nano
  /** Version of the claim that is wanted: 1 where nothing else is said. */
  protocol?: 1 | 2 | undefined
  /** Milliseconds from now on in which it must be done. */
  deadlineMs: number
  /** Key of the MACs in our claim; empty where the venue has none. */
  salt: string
  /** Set on the calls of an exam that we asked for. */
  examId?: ExamId | undefined
  itemId?: string | undefined
  /** The slot under which a polling driver took it; without one the core takes a slot when the job comes. */
  lease?: Lease | undefined
}

export interface ExamStarted {
  kind: 'exam-started'
  requestId: string
  examId: ExamId
  spec: GradeSpec
  commitment: string
  attempt: number
  resumed: boolean
  /** Asked and right in earlier attempts that go on counting, by limit name. */
  carried: Record<string, { n: number; k: number }>
}
export interface ExamRefused {
  kind: 'exam-refused'
  requestId: string
  error: ErrorValue
}
/** The venue's verdict on one call. */
export interface ExamItemJudged {
  kind: 'exam-item'
  examId: ExamId
  phase: 'items' | 'single' | 'slots'
  itemId: string
  right: boolean
  reason: string
  ttftMs: number | null
  tokens: number
  tokPerS: number | null
  replySha256: string
  arrivedAt: EpochMs
  sig: string
}
export interface ExamProgress {
  kind: 'exam-progress'
  examId: ExamId
  phase: 'items' | 'single' | 'slots'
  done: number
  atMost: number
  limits: ExamLimitView[]
}
export interface ExamResult {
  kind: 'exam-result'
  examId: ExamId
  verdict: 'passed' | 'not-reached' | 'undecided' | 'cancelled'
  limits: ExamLimitView[]
  seed: string
  at: EpochMs
  validUntil: EpochMs | null
  sig: string
}

/** A page of what a venue with signed receipts knows of us, as an answer to `reconcile`. */
export interface HistoryPage {
  kind: 'history'
  receipts: Receipt[]
  releases: Release[]
  jobs: { jobId: JobId; state: 'pending' | 'settled' | 'void' | 'unknown' }[]
  more: boolean
}

/**
 * One line of a venue's account page. Money moves along: accrued (earned, not ours to take yet) → available → paid (on
 * its way to the owner).
 */
export interface StatementLine {
  jobId: JobId
  /** What the job brought, in the venue's smallest unit. */
  amountNano: Nano
  state: 'accrued' | 'available' | 'paid'
  at: EpochMs
}
/** What a venue without signed receipts says of our account, as it said it. */
export interface Statement {
  at: EpochMs
  lines: StatementLine[]
  /** The bytes it was read from, at most STATEMENT_BYTES_MAX: their hash is the evidence. */
  text: string
}
export const STATEMENT_BYTES_MAX = 1_048_576

/** A book with prices of three parts, whatever the venue's wire has. */
export type VenueBook = Omit<Book, 'rows'> & {
  rows: (Omit<Book['rows'][number], 'askNanoPerMtok'> & { ask: Price })[]
}

export type VenueEvent =
  | { kind: 'job'; job: OfferedJob }
  | { kind: 'cancel'; jobId: JobId; reason: 'buyer' | 'deadline' | 'exchange' }
  /** Nothing is paid for it. */
  | { kind: 'refused'; jobId: JobId; reason: string }
  | { kind: 'settled'; receipt: Receipt }
  | { kind: 'released'; releases: Release[] }
  /** Taken, without a receipt; `amountNano` is what the venue says it brings, null when it says nothing. */
  | { kind: 'acknowledged'; jobId: JobId; amountNano: Nano | null }
  | { kind: 'statement'; statement: Statement }
  | { kind: 'balance'; amountNano: Nano; at: EpochMs }
  | HistoryPage
  /** The answer to `declare`. */
  | { kind: 'offer'; instrument: Instrument; error: ErrorValue | null }
  | ExamStarted
  | ExamRefused
  | ExamItemJudged
  | ExamProgress
  | ExamResult
  | { kind: 'book'; book: VenueBook }
  /** For the owner to read; `instrument` when it is about one offer. */
  | {
      kind: 'notice'
      level: 'info' | 'act-soon' | 'act-now'
      text: string
      instrument?: Instrument | undefined
      /** The text as a code with its params, where the venue gives one. */
      reason?: unknown
    }
