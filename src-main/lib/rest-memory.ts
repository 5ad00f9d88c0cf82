/**
 * Gives back the memory that a start has left behind, once, when the process is at rest: sources, syntax trees and pages
 * of the heap that hold nothing any more, some 11 MB. V8 does it by itself only under pressure, which a process that
 * waits for work never has.
 */
import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { Clock } from '#contract/time.ts'

const FIRST_MS = 20_000
const AGAIN_MS = 10_000
/** One that is never at rest needs its memory. */
const LOOKS_MAX = 30
/** Share of the time between two looks in which its event loop was busy. */
const REST_SHARE = 0.05

/** A collection of everything takes some 50 ms; `last-resort` also gives back pages. Absent in other engines than V8. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as
    | ((options: { type: string; execution: string; flavor: string }) => void)
    | undefined
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Looks from 20 s after its call on; ends with the signal, and never keeps the process alive. */
export async function giveBackAtRest(
  clock: Clock,
  signal: AbortSignal,
  { busyShare = shareSince(), free = collect } = {},
): Promise<void> {
  try {
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      await clock.sleep(look === 0 ? FIRST_MS : AGAIN_MS, { signal, unref: true })
      const share = busyShare()
      if (look > 0 && share < REST_SHARE) return free()
    }
  } catch {
    // It ends.
  }
}

/** The share since its last call. */
function shareSince(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
