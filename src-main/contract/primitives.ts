/** zod schemas of ids, money and time. The zod-free types live in ids.ts, money.ts and time.ts. */
import { z } from 'zod'

import type { DeploymentId, ExamId, Instrument, JobId, ModelSha256, PublicKey, VenueId } from './ids.ts'
import { ID_PATTERN, PUBLIC_KEY_PATTERN, SHA256_PATTERN, VENUE_ID_PATTERN } from './ids.ts'
import type { Nano, NanoPerMtok } from './money.ts'
import { NANO_LIMIT } from './money.ts'
import { checkedReason, type Reason } from './reasons.ts'
import { SIGNED_TIME_MAX, SIGNED_TIME_MIN } from './time.ts'
import { REALMS, SCALE_MAX, UNIT_CODE_PATTERN, UNIT_KINDS, V1_UNIT_CODES } from './units.ts'

const id = <T extends string>() =>
  z
    .string()
    .regex(ID_PATTERN)
    .transform((value) => value as T)
export const jobId = id<JobId>()
export const examId = id<ExamId>()
export const deploymentId = id<DeploymentId>()
export const instrument = id<Instrument>()
export const venueId = z
  .string()
  .regex(VENUE_ID_PATTERN)
  .transform((value) => value as VenueId)
/** What a call about one venue names at least. */
export const ofVenue = z.object({ venueId })
export const sha256 = z
  .string()
  .regex(SHA256_PATTERN)
  .transform((value) => value as ModelSha256)
export const publicKey = z
  .string()
  .regex(PUBLIC_KEY_PATTERN)
  .transform((value) => value as PublicKey)
/** Ed25519 signature, 64 bytes, base64url without padding. */
export const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/)
/** SHA-256 or HMAC-SHA-256, lower-case hexadecimal. */
export const digest = z.string().regex(SHA256_PATTERN)
/** Non-negative amount in 10^-scale of its unit. */
export const nanoAmount = z
  .number()
  .int()
  .min(0)
  .max(NANO_LIMIT)
  .transform((value) => value as Nano)
/** Signed amount in 10^-scale of its unit: differences and nets. */
export const nanoSigned = z
  .number()
  .int()
  .min(-NANO_LIMIT)
  .max(NANO_LIMIT)
  .transform((value) => value as Nano)
export const price = z
  .number()
  .int()
  .min(0)
  .max(NANO_LIMIT)
  .transform((value) => value as NanoPerMtok)
/** Of input, cached input and output, per million tokens. */
export const prices = z.object({ input: price, cachedInput: price, output: price })
/** On the wire of protocol 1, which knows these alone. */
export const v1Currency = z.enum(V1_UNIT_CODES)
/** The code of the unit that the amounts beside it are in. */
export const currency = z.string().regex(UNIT_CODE_PATTERN)
export const unitScale = z.number().int().min(0).max(SCALE_MAX)
export const unit = z.object({
  code: currency,
  kind: z.enum(UNIT_KINDS),
  scale: unitScale,
  name: z.string().max(40),
  sign: z.string().max(4).optional(),
})
export const realm = z.enum(REALMS)
export const epochMs = z.number().int().min(0).max(8.64e15)
/** What may stand in a signed object of protocol 2: from 1970 to the end of 2099. */
export const signedTime = z.number().int().min(SIGNED_TIME_MIN).max(SIGNED_TIME_MAX)
/** IANA name of a time zone, such as `Europe/Berlin`. Any other text is a BAD_REQUEST that says so. */
export const timeZone = z.string().max(64)
export const tokens = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31)
/**
 * What another process states of its own counting: frames, records, versions, milliseconds it measured. Sums of many such
 * numbers stay integers.
 */
export const COUNT_MAX = 2 ** 48
export const count = z.number().int().min(0).max(COUNT_MAX)
/** 1, 2, 3 … */
export const ordinal = z.number().int().min(1).max(COUNT_MAX)
/** Any other number another process states, such as a share or a rate. */
export const MEASURED_MAX = 1e15
export const measured = z.number().min(-MEASURED_MAX).max(MEASURED_MAX)
/** A record of at most `most` entries. */
export const smallRecord = <V extends z.ZodType>(value: V, most: number, keyChars = 80) =>
  z
    .record(z.string().max(keyChars), value)
    .refine((record) => Object.keys(record).length <= most, `at most ${most} entries`)
/** Why something is so: known here, with exactly its params. */
export const reason = z.custom<Reason>((value) => checkedReason(value) !== null, 'a reason that is not known here')
export const errorValue = z.object({
  code: z.string().max(64),
  message: z.string().max(2_000),
  data: smallRecord(z.union([z.string().max(4_096), measured, z.boolean(), z.null()]), 32).default({}),
  /** Beside what protocol 1 has; the receiver takes it only if it knows it (`checkedReason`), else the message. */
  reason: z.unknown().optional(),
})
