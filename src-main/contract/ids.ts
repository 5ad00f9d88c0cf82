/** Branded identifiers and the shapes the wire accepts. Zod-free. Ids are made by the caller and reused on retry. */

declare const idBrand: unique symbol
type Id<Name extends string> = string & { readonly [idBrand]: Name }

/** `job_` + 24 base32 characters, made by the exchange. */
export type JobId = Id<'job'>
/** `exam_…`, made by the exchange (witnessed) or the core (self). */
export type ExamId = Id<'exam'>
/** `dep_…`, made by the seller's core: a model on an engine with settings. */
export type DeploymentId = Id<'deployment'>
/** Lower-case hexadecimal SHA-256 of the GGUF file: the model's identity. */
export type ModelSha256 = Id<'sha256'>
/** An instrument's symbol, for instance `practice/text-nano`. */
export type Instrument = Id<'instrument'>
/** A market this rig sells on: `practice`, or the name its owner gave it. */
export type VenueId = Id<'venue'>
/** Raw 32-byte Ed25519 public key, base64url without padding. */
export type PublicKey = Id<'ed25519'>

export const ID_PATTERN = /^[A-Za-z0-9_.:/-]{1,96}$/
export const VENUE_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,31}$/
export const SHA256_PATTERN = /^[0-9a-f]{64}$/
export const PUBLIC_KEY_PATTERN = /^[A-Za-z0-9_-]{43}$/

/** Brands a string that was already checked at an edge. */
export const brandId = <T extends Id<string>>(value: string): T => value as T
