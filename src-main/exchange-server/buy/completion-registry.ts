/**
 * Calls that run, and those that ended a while ago, in memory bounded by bytes: what a retry joins, and what is fetched
 * again. Across restarts only calls with a key are known, by their MACs.
 */
import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import type { DeliveredMarks } from '../settle/delivered-marks.ts'
import { jobOfBuyer } from '../store/buyer-jobs.store.ts'
import { keyedCall, refundOf } from '../store/refunds.store.ts'
import { answeredBefore, BUYER_LEFT, keyOfAnotherBody } from './buyer-errors.ts'
import type { CallIdentity } from './idempotency.ts'
import { SharedCompletion, type CompletionEvents, type RoutedAttempt } from './shared-completion.ts'

export class CompletionRegistry implements CompletionEvents {
  readonly #context: ExchangeContext
  readonly #marks: DeliveredMarks
  /** By the MAC of the key, or of the body where no key came; oldest first. */
  readonly #alike = new Map<string, SharedCompletion[]>()
  /** By its own id and by that of its job. */
  readonly #byId = new Map<string, SharedCompletion>()
  /** With an answer, in the order of their ends. */
  readonly #done = new Set<SharedCompletion>()
  #doneBytes = 0
  /** Without one: for a retry to know, and apart, so that calls which cost nothing push out no answers. */
  readonly #failed = new Set<SharedCompletion>()

  constructor(context: ExchangeContext, marks: DeliveredMarks) {
    this.#context = context
    this.#marks = marks
  }

  /**
   * The call that this request repeats; null when it is a new one. Throws ApiFailure 409: a key that came with another
   * body, or whose answer was paid for and is no longer kept.
   */
  find(identity: CallIdentity): SharedCompletion | null {
    return identity.keyMac === null ? this.#byBody(identity) : this.#byKey(identity, identity.keyMac)
  }

  /** A completion or a job by its id; null when it is not (or no longer) here. */
  get(id: string): SharedCompletion | null {
    return this.#byId.get(id) ?? null
  }

  create(call: Pick<SharedCompletion, 'head' | 'buyerId' | 'identity' | 'chat'>): SharedCompletion {
    const completion = new SharedCompletion(call, this)
    this.#byId.set(completion.head.id, completion)
    const name = nameOf(completion)
    const alike = this.#alike.get(name) ?? []
    this.#alike.set(name, alike)
    alike.push(completion)
    if (alike.length > LIMITS.callsAlike) {
      const oldest = alike.findIndex(({ state }) => state !== 'running')
      alike.splice(Math.max(0, oldest), 1)
    }
    return completion
  }

  /** All of its answer was given to the system for a buyer's connection, or it is owed to nobody any more. */
  handedOver(completion: SharedCompletion): void {
    if (completion.handedOver || completion.jobId === null) return
    completion.handedOver = true
    this.#marks.add(completion.jobId)
  }

  onRouted(completion: SharedCompletion, before: RoutedAttempt | null): void {
    if (before !== null) this.#byId.delete(before.jobId)
    if (completion.jobId !== null) this.#byId.set(completion.jobId, completion)
  }

  onEnded(completion: SharedCompletion): void {
    completion.endedAt = this.#context.clock.mono()
    if (completion.state === 'failed') {
      this.#failed.add(completion)
      const [oldest] = this.#failed
      if (oldest !== undefined && this.#failed.size > LIMITS.failuresKept) this.#forget(oldest)
      return
    }
    this.#done.add(completion)
    this.#doneBytes += completion.bytes
    while (this.#done.size > LIMITS.answersKept || this.#doneBytes > LIMITS.answersKeptBytes) {
      const [oldest] = this.#done
      if (oldest === undefined) break
      this.#forget(oldest)
      // For want of memory, not of time: until then a kill of the exchange still pays it back.
      const leftMs = (oldest.endedAt ?? 0) + LIMITS.answersKeptMs - this.#context.clock.mono()
      after(this.#context.clock, Math.max(1, leftMs), () => this.handedOver(oldest))
    }
  }

  /** A call with a key may be about to be repeated; any other is over with its reader. */
  onDeserted(completion: SharedCompletion): void {
    const end = (): void => {
      if (completion.readers === 0) completion.abandon(BUYER_LEFT)
    }
    if (completion.identity.keyMac === null) end()
    else after(this.#context.clock, LIMITS.leaveGraceMs, end)
  }

  /** Forgets what was kept long enough; an answer nobody fetched in that time is owed to nobody any more. */
  sweep(): void {
    const now = this.#context.clock.mono()
    for (const completion of this.#failed) {
      if ((completion.endedAt ?? 0) > now - LIMITS.retryWithinMs) break
      this.#forget(completion)
    }
    for (const completion of this.#done) {
      if ((completion.endedAt ?? 0) > now - LIMITS.answersKeptMs) break
      this.#forget(completion)
      this.handedOver(completion)
    }
  }

  #byKey(identity: CallIdentity, keyMac: string): SharedCompletion | null {
    const known = this.#alike.get(keyMac)?.at(-1)
    if (known !== undefined) {
      if (known.identity.bodyMac !== identity.bodyMac) throw keyOfAnotherBody()
      return known.state === 'failed' ? null : known
    }
    const { read } = this.#context.db
    const stored = keyedCall(read, keyMac)
    if (stored === null) return null
    if (stored.bodyMac !== identity.bodyMac) throw keyOfAnotherBody()
    // What failed, or was paid back, may be bought again.
    if (jobOfBuyer(read, stored.jobId)?.state === 'settled' && refundOf(read, stored.jobId) === null)
      throw answeredBefore(stored.jobId)
    return null
  }

  /**
   * Equal calls may well run side by side, so a retry takes the one that is most likely its own: an answer nobody got, a
   * failure (which it uses up: it is a new call then), one that runs, at last an answer that was handed over and may
   * have been lost on its way.
   */
  #byBody({ bodyMac, retry }: CallIdentity): SharedCompletion | null {
    if (!retry) return null
    const since = this.#context.clock.mono() - LIMITS.retryWithinMs
    const alike = (this.#alike.get(bodyMac) ?? []).filter(({ endedAt }) => endedAt === null || endedAt >= since)
    const lost = alike.find(({ state, handedOver }) => state === 'done' && !handedOver)
    if (lost !== undefined) return lost
    const failed = alike.find(({ state }) => state === 'failed')
    if (failed !== undefined) {
      this.#forget(failed)
      return null
    }
    return alike.findLast(({ state }) => state === 'running') ?? alike.at(-1) ?? null
  }

  #forget(completion: SharedCompletion): void {
    if (this.#done.delete(completion)) this.#doneBytes -= completion.bytes
    this.#failed.delete(completion)
    this.#byId.delete(completion.head.id)
    if (completion.jobId !== null) this.#byId.delete(completion.jobId)
    const name = nameOf(completion)
    const rest = (this.#alike.get(name) ?? []).filter((other) => other !== completion)
    if (rest.length === 0) this.#alike.delete(name)
    else this.#alike.set(name, rest)
  }
}

const nameOf = ({ identity }: SharedCompletion): string => identity.keyMac ?? identity.bodyMac
