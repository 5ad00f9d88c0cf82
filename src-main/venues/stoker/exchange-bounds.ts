/**
 * What an exchange may set in motion here: it is a stranger, and its numbers become timers, dates and messages to the
 * owner.
 */
import type { ExchangeFrame } from '#contract/supplier.ts'
import type { ExchangeFrameV2 } from '#contract/supplier-v2.ts'
import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import { Bucket } from '#lib/bucket.ts'

/** A silent line is noticed after three heartbeats, so this decides how late. */
const HEARTBEAT_MS_MAX = MINUTE_MS
const RESUME_MS_MAX = 10 * MINUTE_MS
const HOLD_MS_MAX = 366 * DAY_MS
/** Money is set aside until a job's deadline. */
const DEADLINE_MS_MAX = DAY_MS
/** Notices that ask for something become messages on the owner's screen: so many at once, then one a minute. */
const MESSAGES_AT_ONCE = 8
const MESSAGES_PER_SECOND = 1 / 60
/** Others stand beside a listing, one in the place of another. */
const REMARKS_AT_ONCE = 64
const REMARKS_PER_SECOND = 1

type Timing = { readonly heartbeatMs: number; readonly resumeWithinMs: number }

/** Whether money would be held longer than any honest exchange holds it: then nothing is sold there. */
export const holdsTooLong = ({ holdMs }: { readonly holdMs: number }): boolean => holdMs > HOLD_MS_MAX

/** The same terms, with timers that can be kept. */
export const boundedTiming = <T extends Timing>(welcome: T): T => ({
  ...welcome,
  heartbeatMs: Math.min(welcome.heartbeatMs, HEARTBEAT_MS_MAX),
  resumeWithinMs: Math.min(welcome.resumeWithinMs, RESUME_MS_MAX),
})

/** A job with a deadline that can be kept; every other frame as it is. */
export const boundedFrame = <T extends ExchangeFrame | ExchangeFrameV2>(frame: T): T =>
  frame.t === 'job' ? { ...frame, deadlineMs: Math.min(frame.deadlineMs, DEADLINE_MS_MAX) } : frame

/** Notices to the owner: more than a few are read by nobody. */
export class NoticeBound {
  readonly #messages: Bucket
  readonly #remarks: Bucket
  #dropped = 0

  constructor(mono: number) {
    this.#messages = new Bucket(MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, mono)
    this.#remarks = new Bucket(REMARKS_AT_ONCE, REMARKS_PER_SECOND, mono)
  }

  /** False for a frame that goes no further. */
  lets(frame: ExchangeFrame | ExchangeFrameV2, mono: number): boolean {
    if (frame.t !== 'notice' || (frame.level === 'info' ? this.#remarks : this.#messages).take(mono)) return true
    this.#dropped += 1
    return false
  }

  /** Notices dropped since last asked, for the log. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }
}
