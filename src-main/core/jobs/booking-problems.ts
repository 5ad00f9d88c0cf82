/** Records of the exchange that cannot be booked, in plain words, and what the owner can do about them. */
import { inWords } from '#contract/errors.ts'

import { differenceReason, parseDifferences } from './differences.ts'
import type { BookingOutcome } from './settlement.ts'

type Refusal = Extract<BookingOutcome, { kind: 'refused' }>

const KEPT_MAX = 100
const AGAIN =
  'What to do: nothing is lost and nothing was booked for it; Stoker asks for it again at every connection. If this stays, keep the data folder as it is and show these lines to whoever runs the exchange.'
const FORKED =
  'What to do: the exchange’s history is not the one this Stoker holds, so its database was reset or put back from an older copy. What is booked here stays; what it sends now cannot be joined to it. ' +
  'If the exchange is your own, stop Stoker, move the folder exchange of the data folder away, and start again: it begins anew under a key of its own. If not, ask whoever runs it; your receipts are the proof.'
export const DISPUTED =
  'What to do: nothing of a disputed receipt counts as earned, and the receipt is kept as proof. Open the job to see both counts, save its receipt, and show them to whoever runs the exchange.'

/**
 * Receipts that verify and bill other money than what we counted, newest first, then what to do; empty when there are
 * none.
 */
export function disputeLines({
  latest,
  count,
}: {
  latest: readonly { jobId: string; receiptSeq: number; dispute: string }[]
  count: number
}): string[] {
  if (count === 0) return []
  const lines = latest.map(
    ({ jobId, receiptSeq, dispute }) =>
      `receipt ${receiptSeq} of job ${jobId} is disputed: ${parseDifferences(dispute)
        .map((one) => inWords(differenceReason(one)))
        .join('; ')}`,
  )
  const rest = count > latest.length ? [`${count - latest.length} more receipts are disputed`] : []
  return [...lines, ...rest, DISPUTED]
}

export class BookingProblems {
  readonly #lines = new Map<string, Refusal>()

  get size(): number {
    return this.#lines.size
  }

  /** False when it was known. Beyond a bound new ones are only counted as known. */
  add(what: string, refusal: Refusal): boolean {
    const isNew = !this.#lines.has(what) && this.#lines.size < KEPT_MAX
    if (isNew || this.#lines.has(what)) this.#lines.set(what, refusal)
    return isNew
  }

  /** The record came again and was good. */
  solved(what: string): void {
    this.#lines.delete(what)
  }

  advice(): string {
    return [...this.#lines.values()].some(({ forked }) => forked === true) ? FORKED : AGAIN
  }

  /** The problems, then what to do; empty when there are none. */
  lines(): string[] {
    const lines = [...this.#lines].map(([what, { problems }]) => `${what}: ${problems.join('; ')}`)
    return lines.length === 0 ? [] : [...lines, this.advice()]
  }
}
