/**
 * The supplier protocol, version 2: JSON text frames over one outbound WebSocket (path /supplier/v2), or the same values
 * over a Channel. docs/protocol.md describes it for other implementations; this file is what both sides parse with. Frames
 * that did not change are those of supplier.ts.
 *
 * Reliability. After the handshake every frame travels in an envelope {seq, ack, frame}: `seq` counts 1, 2, 3 … per
 * direction and session, `ack` is the highest seq received. Unacknowledged frames are kept, at most `windowBytes` of
 * them, and sent again after a resume; a receiver drops a seq it has seen. When a session cannot be resumed, `sync`
 * settles everything that matters: claims are resent and answered with the same bytes.
 */
import { z } from 'zod'

import { gradeSpecs } from './grades.ts'
import {
  CACHE_SCOPE_MAX,
  engineMessage,
  inferenceRequest,
  LOGPROBS_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGES_MAX,
  toolCall,
  toolDefinition,
  TOOLS_MAX,
} from './inference.ts'
import {
  COUNT_MAX,
  currency,
  count,
  digest,
  epochMs,
  instrument,
  jobId,
  measured,
  prices,
  publicKey,
  realm,
  signature,
  signedTime,
  tokens,
  unitScale,
} from './primitives.ts'
import { claim, receipt } from './receipt.ts'
import {
  book,
  bookRow,
  heartbeatMs,
  holdMs,
  jobFields,
  offerFields,
  refusedFrame,
  resumeWithinMs,
  sharedExchangeFrames,
  sharedSupplierFrames,
  SYNC_PAGE_MAX,
  syncResultFields,
} from './supplier.ts'

/** Versions that are spoken; 1 on one machine only. */
export type SupplierProtocol = 1 | 2
export const SUPPLIER_PATH_V2 = '/supplier/v2'
/** Bytes of unacknowledged frames that a side keeps for the other at most, whatever a welcome says. */
export const WINDOW_BYTES_MAX = 67_108_864
/** Starts of a supplier that are counted; far from where a sum would leave the integers. */
export const EPOCH_MAX = COUNT_MAX
/** Clocks further apart than this are said. */
export const CLOCKS_APART_SAID_MS = 120_000
/** Beyond it what the other side signs could not be booked: nothing is sold. */
export const CLOCKS_APART_MAX_MS = 86_400_000

const nonce = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
/** Raised at every start of a supplier, and kept by both sides. */
const epoch = count
/** What the two sides may do beyond this page; unknown ones are ignored. None so far. */
const features = z.array(z.string().regex(/^[a-z0-9.-]{1,40}$/)).max(32)

// ---- handshake (bare frames, no envelope) ----
export const challengeFrameV2 = z.object({
  t: z.literal('challenge'),
  protocol: z.literal(2),
  nonce,
  exchange: publicKey,
  time: epochMs,
})
/**
 * `sig` is Ed25519 by `supplier` over utf8(`stoker-supplier-v2\n{nonce of the challenge}\n{exchange}\n` + canonical JSON
 * of this frame without `sig`).
 */
export const helloFrameV2 = z.object({
  t: z.literal('hello'),
  protocol: z.literal(2),
  supplier: publicKey,
  nonce,
  time: epochMs,
  epoch,
  /** Drawn anew at every start: two starts of one epoch are two copies of one folder. */
  instance: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
  /** The owner's word that this rig and no other has the key. */
  takeover: z.literal(true).optional(),
  name: z.string().min(1).max(80),
  client: z.string().max(80),
  features,
  /** The session and the highest seq received in it. */
  resume: z.object({ session: z.string().max(64), received: count }).optional(),
  sig: signature,
})
export type HelloFrameV2 = z.infer<typeof helloFrameV2>

/** The last record of a chain: its number and hash; 0 and 64 zeros before the first. */
export const chainHead = z.object({ seq: count, hash: digest })
export type ChainHead = z.infer<typeof chainHead>
export const chainHeads = z.object({ receipts: chainHead, releases: chainHead })
export type ChainHeads = z.infer<typeof chainHeads>

/**
 * `sig` is Ed25519 by the exchange over utf8(`stoker-exchange-v2\n{nonce of the challenge}\n{nonce of the
 * hello}\n{supplier}\n` + canonical JSON of this frame without `sig`).
 */
export const welcomeFrameV2 = z.object({
  t: z.literal('welcome'),
  protocol: z.literal(2),
  session: z.string().max(64),
  resumed: z.boolean(),
  received: count,
  heartbeatMs,
  resumeWithinMs,
  /** Bytes of unacknowledged frames, as text, that each side may leave the other with; beyond it the session is lost. */
  windowBytes: z.number().int().min(1_048_576).max(WINDOW_BYTES_MAX),
  realm,
  unit: z.object({ code: currency, scale: unitScale }),
  feeBps: z.number().int().min(0).max(10_000),
  holdMs,
  specs: gradeSpecs,
  time: signedTime,
  /** The one that stands from now on: after a takeover it may be above that of the hello. */
  epoch,
  heads: chainHeads,
  features,
  sig: signature,
})
export type WelcomeFrameV2 = z.infer<typeof welcomeFrameV2>
/** A `refused` for another holder of the key names the epoch that stands in `error.data.epoch`. */
export const handshakeFromExchangeV2 = z.discriminatedUnion('t', [challengeFrameV2, welcomeFrameV2, refusedFrame])

// ---- shared parts ----
/**
 * A request: that of version 1, and what a supplier may not serve yet. `requestMac` is over its canonical JSON exactly as
 * it came.
 */
export const jobRequest = inferenceRequest.extend({
  /** May be empty when `prompt` is there. */
  messages: z.array(engineMessage).max(MESSAGES_MAX),
  /** Text to go on with, without the chat template; `suffix` is what comes after the answer. Instead of messages. */
  prompt: z.string().min(1).max(MESSAGE_BYTES_MAX).optional(),
  suffix: z.string().max(MESSAGE_BYTES_MAX).optional(),
  /** The last message is the assistant's and is continued. */
  continueLast: z.literal(true).optional(),
  tools: z.array(toolDefinition).max(TOOLS_MAX).optional(),
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string().max(64) })]).optional(),
  reasoning: z.enum(['none', 'low', 'medium', 'high']).optional(),
  logprobs: z.number().int().min(0).max(LOGPROBS_MAX).optional(),
})
export type JobRequest = z.infer<typeof jobRequest>

/** Pieces of an answer: texts are appended, calls by their index. */
export const textPiece = z.object({
  content: z.string().max(65_536).default(''),
  reasoning: z.string().max(65_536).default(''),
  toolCalls: z
    .array(
      z.object({
        index: z
          .number()
          .int()
          .min(0)
          .max(TOOLS_MAX - 1),
        id: z.string().max(64).optional(),
        name: z.string().max(64).optional(),
        arguments: z.string().max(65_536).default(''),
      }),
    )
    .max(TOOLS_MAX)
    .default([]),
})
/** A whole answer: what `answerMac` of a claim of version 2 is over. */
export const answerText = z.object({
  content: z.string().max(MESSAGE_BYTES_MAX),
  reasoning: z.string().max(MESSAGE_BYTES_MAX),
  toolCalls: z.array(toolCall).max(TOOLS_MAX),
})
export type AnswerText = z.infer<typeof answerText>

const bookV2 = book.extend({
  rows: z.array(bookRow.omit({ askNanoPerMtok: true }).extend({ ask: prices })).max(200),
})
export type BookV2 = z.infer<typeof bookV2>

/** So many positions an audit names at most. */
const AUDIT_POSITIONS_MAX = 16
const position = z.number().int().min(0).max(131_072)

// ---- supplier → exchange ----
export const supplierFrameV2 = z.discriminatedUnion('t', [
  ...sharedSupplierFrames,
  z.object({ ...offerFields, ask: prices }),
  /** By policy or licence: unbilled, given to another supplier, no failure. */
  z.object({ t: z.literal('job.decline'), jobId, reason: z.enum(['policy', 'licence']) }),
  z.object({ t: z.literal('job.delta'), jobId, text: textPiece }),
  /** As in version 1; a claim of version 1 that was never answered may come over version 2. */
  z.object({ t: z.literal('job.done'), jobId, claim, claimSig: signature }),
  /** Off by `features`: the values at the positions that `audit.request` named. */
  z.object({
    t: z.literal('audit.reply'),
    jobId,
    positions: z
      .array(
        z.object({
          position,
          tokenId: tokens,
          top: z.array(z.object({ tokenId: tokens, logprob: measured })).max(5),
          path: z.array(digest).max(32),
        }),
      )
      .max(AUDIT_POSITIONS_MAX),
  }),
])
export type SupplierFrameV2 = z.infer<typeof supplierFrameV2>

// ---- exchange → supplier ----
export const exchangeFrameV2 = z.discriminatedUnion('t', [
  ...sharedExchangeFrames,
  z.object({ ...syncResultFields, receipts: z.array(receipt).max(SYNC_PAGE_MAX) }),
  z.object({
    ...jobFields,
    request: jobRequest,
    price: prices,
    /** Jobs of one scope may share prefixes, no others: an HMAC of the buyer that changes daily. */
    cacheScope: z.string().min(1).max(CACHE_SCOPE_MAX).optional(),
  }),
  z.object({ t: z.literal('job.settled'), receipt }),
  z.object({ t: z.literal('book'), book: bookV2 }),
  /** Off by `features`: the fingerprint's values at these positions, please. */
  z.object({ t: z.literal('audit.request'), jobId, positions: z.array(position).min(1).max(AUDIT_POSITIONS_MAX) }),
  /** Off by `features`: what a hidden exam asked and got, when it is over; checked against the MACs of the claims. */
  z.object({
    t: z.literal('exam.reveal'),
    instrument,
    seed: z.string().max(64),
    calls: z.array(z.object({ jobId, request: jobRequest, reply: answerText })).max(SYNC_PAGE_MAX),
    more: z.boolean(),
  }),
])
export type ExchangeFrameV2 = z.infer<typeof exchangeFrameV2>

/** What of a request no supplier of this Stoker serves yet; the first by name, or null. */
export function unservedField(request: JobRequest): string | null {
  const { prompt, suffix, continueLast, tools, toolChoice, reasoning, logprobs } = request
  const asked = { prompt, suffix, continueLast, tools, toolChoice, reasoning, logprobs }
  const named = Object.entries(asked).find(([, value]) => value !== undefined)
  if (named !== undefined) return named[0]
  if (request.messages.length === 0) return 'messages'
  const message = request.messages.find(
    ({ role, toolCalls, toolCallId }) => role === 'tool' || toolCalls !== undefined || toolCallId !== undefined,
  )
  return message === undefined ? null : 'messages.tool'
}
