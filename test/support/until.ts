/**
 * Waiting in tests: for a condition, by wall time. Turns of the event loop are no measure: a file read, a socket or
 * another process takes as many of them as the machine is fast. `settle` of fake-clock.ts is for work inside this
 * process alone: promises and fakes, no I/O.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { settle } from './fake-clock.ts'

/** Only guards against hanging: nothing here takes a second, and a busy machine may need some. */
const WITHIN_MS = 20_000
/** Most conditions hold after a few turns; then it looks less often, and leaves the processor to whom it waits for. */
const TURNS_FIRST = 200
const EVERY_MS = 2

/** Resolves once `holds`. Throws an error that names `what` when it does not come to hold in time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = WITHIN_MS,
): Promise<void> {
  const endsAt = performance.now() + withinMs
  for (let looks = 1; ; looks += 1) {
    // Asked before the look: a process that was kept from running looks once more after the time is over.
    const isLast = performance.now() > endsAt
    if (await holds()) return
    if (isLast) throw new Error(`waited ${withinMs / 1_000} s in vain for ${what}`)
    await (looks < TURNS_FIRST ? settle() : sleep(EVERY_MS))
  }
}

/**
 * Lets work inside this process come to rest: many turns, for the check that something does not happen, and for chains
 * over fakes that take a turn a link.
 */
export async function rest(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await settle()
}
