/**
 * The supplier protocol, version 1 (frozen, docs/protocol-1.md, served on loopback only), and the frames that version 2
 * (supplier-v2.ts) has in common with it. JSON text frames over one outbound WebSocket, or the same values over a
 * Channel.
 *
 * Reliability. After the handshake every frame travels in an envelope {seq, ack, frame}: `seq` counts 1, 2, 3 … per
 * direction and session, `ack` is the highest seq received. Unacknowledged frames are kept (bounded) and sent again
 * after a resume; a receiver drops a seq it has seen. When a session cannot be resumed, `sync` settles everything that
 * matters: claims are resent and answered with the same bytes.
 */
import { z } from 'zod'

import { gradeSpec, gradeSpecs } from './grades.ts'
import { inferenceRequest } from './inference.ts'
import {
  count,
  deploymentId,
  digest,
  epochMs,
  errorValue,
  examId,
  instrument,
  jobId,
  measured,
  nanoAmount,
  ordinal,
  price,
  publicKey,
  realm,
  sha256,
  signature,
  smallRecord,
  tokens,
  v1Currency,
} from './primitives.ts'
import { claimV1, receiptV1 } from './receipt.ts'
import { DAY_MS, HOUR_MS } from './time.ts'

export const SUPPLIER_PROTOCOL_VERSION = 1
export const SUPPLIER_PATH = '/supplier/v1'
export const FRAME_BYTES_MAX = 4_194_304
export const RESEND_BUFFER_MAX = 4_096
export const SYNC_PAGE_MAX = 500

/** Durations that an exchange states: beyond them a number is no duration but an attack on somebody's timers. */
export const heartbeatMs = z.number().int().min(100).max(HOUR_MS)
export const resumeWithinMs = z.number().int().min(0).max(DAY_MS)
export const holdMs = z
  .number()
  .int()
  .min(0)
  .max(3_660 * DAY_MS)

// ---- handshake (bare frames, no envelope) ----
export const challengeFrame = z.object({
  t: z.literal('challenge'),
  protocol: count,
  nonce: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  exchange: publicKey,
  time: epochMs,
})
/**
 * `sig` is Ed25519 by `supplier` over utf8(`stoker-supplier-v1\n{nonce}\n{exchange}\n{supplier}`). `resume` names the
 * session and the highest seq received in it.
 */
export const helloFrame = z.object({
  t: z.literal('hello'),
  protocol: z.literal(1),
  supplier: publicKey,
  sig: signature,
  name: z.string().min(1).max(80),
  client: z.string().max(80),
  resume: z.object({ session: z.string().max(64), received: count }).optional(),
})
export type HelloFrame = z.infer<typeof helloFrame>
export const welcomeFrame = z.object({
  t: z.literal('welcome'),
  session: z.string().max(64),
  resumed: z.boolean(),
  received: count,
  heartbeatMs,
  resumeWithinMs,
  realm,
  currency: v1Currency,
  feeBps: z.number().int().min(0).max(10_000),
  holdMs,
  specs: gradeSpecs,
  time: epochMs,
})
export const refusedFrame = z.object({ t: z.literal('refused'), error: errorValue })
export const handshakeFromExchange = z.discriminatedUnion('t', [challengeFrame, welcomeFrame, refusedFrame])

// ---- shared parts ----
export const engineIdentity = z.object({
  kind: z.literal('gguf'),
  sha256,
  engine: z.string().max(120),
  device: z.string().max(200),
})
/**
 * Servers of somebody's: nothing attests what they run. `sha256` stands for the reported model and the addresses, so
 * that another of either has to pass its own exam.
 */
export const remoteEngineIdentity = z.object({
  kind: z.literal('remote'),
  sha256,
  endpoint: z.string().max(300),
  reportedModel: z.string().max(200),
  attested: z.literal(false),
  engine: z.string().max(120),
  device: z.string().max(200),
})
export const offeredIdentity = z.discriminatedUnion('kind', [engineIdentity, remoteEngineIdentity])
export type EngineIdentity = z.infer<typeof offeredIdentity>
/**
 * pending: known, not final. settled: receipt exists. void: nothing will be paid. unknown: the exchange never heard of
 * it.
 */
export const jobState = z.enum(['pending', 'settled', 'void', 'unknown'])
export const release = z.object({ seq: ordinal, jobId, amountNano: nanoAmount, at: epochMs })
export type Release = z.infer<typeof release>
export const bookRow = z.object({
  askNanoPerMtok: price,
  suppliers: count,
  freeSlots: count,
  mine: z.boolean(),
})
export const book = z.object({
  instrument,
  at: epochMs,
  rows: z.array(bookRow).max(200),
  jobsLastHour: count,
  waiting: count,
})
export type Book = z.infer<typeof book>

// ---- supplier → exchange ----
/** The same in both versions. */
export const sharedSupplierFrames = [
  z.object({
    t: z.literal('sync'),
    afterReceiptSeq: count,
    afterReleaseSeq: count,
    openJobs: z.array(jobId).max(SYNC_PAGE_MAX),
  }),
  z.object({ t: z.literal('withdraw'), instrument }),
  /**
   * `examId` names the attempt to go on with: its judged calls (and its result, when it has ended meanwhile) are sent
   * again. Without it an interrupted attempt of the same deployment goes on, else a new one begins.
   */
  z.object({
    t: z.literal('exam.start'),
    requestId: z.string().max(64),
    instrument,
    deploymentId,
    identity: offeredIdentity,
    slots: z.number().int().min(1).max(1_024),
    examId: examId.optional(),
  }),
  z.object({ t: z.literal('exam.cancel'), examId }),
  z.object({ t: z.literal('job.accept'), jobId }),
  z.object({ t: z.literal('job.reject'), jobId, error: errorValue }),
  z.object({ t: z.literal('job.error'), jobId, error: errorValue }),
  z.object({ t: z.literal('ping'), n: count }),
] as const
export const offerFields = {
  t: z.literal('offer'),
  instrument,
  deploymentId,
  identity: offeredIdentity,
  slots: z.number().int().min(1).max(1_024),
  contextTokens: tokens,
  maxOutputTokens: tokens,
}
export const supplierFrame = z.discriminatedUnion('t', [
  ...sharedSupplierFrames,
  z.object({ ...offerFields, askNanoPerMtok: price }),
  z.object({ t: z.literal('job.delta'), jobId, text: z.string().max(65_536) }),
  /**
   * Claim for a finished (or cancelled) job; also the resend of an unacknowledged one. Exam jobs carry a claim too; it
   * settles at zero and gets no receipt.
   */
  z.object({ t: z.literal('job.done'), jobId, claim: claimV1, claimSig: signature }),
])
export type SupplierFrame = z.infer<typeof supplierFrame>

// ---- exchange → supplier ----
/**
 * One limit of an exam as it stands: asked, right, score, interval. The same on the wire, on the screens and in
 * transcripts.
 */
export const examLimitView = z.object({
  name: z.string().max(80),
  n: count,
  k: count,
  s: measured,
  floor: measured,
  target: measured,
  state: z.enum(['passed', 'not-reached', 'undecided']),
  low: measured,
  high: measured,
})
export type ExamLimitView = z.infer<typeof examLimitView>
/** The same in both versions. */
export const sharedExchangeFrames = [
  z.object({ t: z.literal('offer.accepted'), instrument }),
  z.object({ t: z.literal('offer.refused'), instrument, error: errorValue }),
  z.object({ t: z.literal('job.cancel'), jobId, reason: z.enum(['buyer', 'deadline', 'exchange']) }),
  z.object({ t: z.literal('job.void'), jobId, reason: z.string().max(200) }),
  z.object({ t: z.literal('released'), releases: z.array(release).max(SYNC_PAGE_MAX) }),
  z.object({
    t: z.literal('exam.started'),
    requestId: z.string().max(64),
    examId,
    spec: gradeSpec,
    commitment: digest,
    attempt: ordinal,
    resumed: z.boolean(),
    /** Asked and right in earlier attempts that go on counting, by limit name. */
    carried: smallRecord(z.object({ n: tokens, k: tokens }), 32).default({}),
  }),
  z.object({ t: z.literal('exam.refused'), requestId: z.string().max(64), error: errorValue }),
  /**
   * Verdict on one item or load call; sig countersigns
   * utf8(`stoker-exam-item-v1\n{examId}\n{itemId}\n{replySha256}\n{arrivedAt}\n{right}`).
   */
  z.object({
    t: z.literal('exam.item'),
    examId,
    phase: z.enum(['items', 'single', 'slots']),
    itemId: z.string().max(64),
    right: z.boolean(),
    reason: z.string().max(80),
    ttftMs: measured.nullable(),
    tokens,
    tokPerS: measured.nullable(),
    replySha256: digest,
    arrivedAt: epochMs,
    sig: signature,
  }),
  z.object({
    t: z.literal('exam.progress'),
    examId,
    phase: z.enum(['items', 'single', 'slots']),
    done: count,
    atMost: count,
    limits: z.array(examLimitView).max(32),
  }),
  /**
   * The seed is revealed after the last reply; validUntil only when passed. sig over examResultText of
   * exam/evidence.ts.
   */
  z.object({
    t: z.literal('exam.result'),
    examId,
    verdict: z.enum(['passed', 'not-reached', 'undecided', 'cancelled']),
    limits: z.array(examLimitView).max(32),
    seed: z.string().max(64),
    at: epochMs,
    validUntil: epochMs.nullable(),
    sig: signature,
  }),
  /** For the owner to read; `instrument` when it is about one offer. */
  z.object({
    t: z.literal('notice'),
    level: z.enum(['info', 'act-soon', 'act-now']),
    text: z.string().max(400),
    instrument: instrument.optional(),
    /** The text as a code with its params, for who knows it (`checkedReason`). */
    reason: z.unknown().optional(),
  }),
  z.object({ t: z.literal('pong'), n: count, time: epochMs }),
  z.object({ t: z.literal('error'), error: errorValue }),
] as const
/**
 * Exam items and probes are ordinary jobs; examId is set on items of an exam this supplier asked for. `deadlineMs` runs
 * from the sending, by the exchange's clock.
 */
export const jobFields = {
  t: z.literal('job'),
  jobId,
  instrument,
  specVersion: count,
  reserveNano: nanoAmount,
  deadlineMs: z
    .number()
    .int()
    .positive()
    .max(7 * DAY_MS),
  salt: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  examId: examId.optional(),
  itemId: z.string().max(64).optional(),
}
/** One page of what a `sync` asked for; `more` asks for the next. Receipts are those of the version. */
export const syncResultFields = {
  t: z.literal('sync.result'),
  releases: z.array(release).max(SYNC_PAGE_MAX),
  jobs: z.array(z.object({ jobId, state: jobState })).max(SYNC_PAGE_MAX),
  more: z.boolean(),
}
export const exchangeFrame = z.discriminatedUnion('t', [
  ...sharedExchangeFrames,
  z.object({ ...syncResultFields, receipts: z.array(receiptV1).max(SYNC_PAGE_MAX) }),
  z.object({ ...jobFields, request: inferenceRequest, priceNanoPerMtok: price }),
  z.object({ t: z.literal('job.settled'), receipt: receiptV1 }),
  z.object({ t: z.literal('book'), book }),
])
export type ExchangeFrame = z.infer<typeof exchangeFrame>

/** `frame` is parsed by the receiver with its own union; `seq` 0 marks a bare acknowledgement without a frame. */
export const envelope = z.object({
  seq: count,
  ack: count,
  frame: z.unknown().optional(),
})
export type Envelope = z.infer<typeof envelope>
