/** Processor load of other programs, from samples of the counters. Pure. */
import type { CpuReader, CpuSample } from './busy-counters.ts'

export interface BusyWatch {
  /** Samples again when the last sample is at least `minAgeMs` old. */
  look(minAgeMs: number): Busy
}

interface Busy {
  /** Cores that other programs use now, averaged over the last tenths of a second; 0 while unknown. */
  others: number
  /** False where the system tells nothing. */
  known: boolean
  /** Time of the sample, by the monotonic clock. */
  at: number
  /**
   * Milliseconds without a look before the sample, over which `others` is then averaged; 0 in a series of looks.
   */
  gapMs: number
}

/** The counters advance by 10 ms per core: over less than this an average says nothing. */
const WINDOW_MIN_MS = 50
const WINDOW_MS = 400
/** A short window may be wrong by this many cores; it counts only beyond that. */
const SHORT_DOUBT = 0.3
const GAP_MS = 1_000

type Stamped = CpuSample & { at: number }

const othersBetween = (from: Stamped, to: Stamped): number =>
  Math.max(0, (to.busyMs - from.busyMs - (to.ownMs - from.ownMs)) / (to.at - from.at))

export function createBusyWatch({ read, mono }: { read: CpuReader; mono: () => number }): BusyWatch {
  const first = read()
  let busy: Busy = { others: 0, known: first !== null, at: mono(), gapMs: 0 }
  let samples: Stamped[] = first === null ? [] : [{ ...first, at: busy.at }]

  /** After a pause: the average over it, but no more than the threads that are runnable now. */
  function afterGap(before: Stamped, now: Stamped): number {
    samples = [now]
    const average = othersBetween(before, now)
    return now.running === null ? average : Math.min(average, Math.max(0, now.running - 1))
  }

  function inARow(now: Stamped): number {
    // One sample from before the window is kept, however old: a single step may last longer than the window.
    const inside = samples.findIndex((sample) => now.at - sample.at <= WINDOW_MS)
    samples = [...samples.slice(inside === -1 ? -1 : inside), now]
    const short = samples.findLast((sample) => now.at - sample.at >= WINDOW_MIN_MS)
    const long = samples[0]
    if (short === undefined || long === undefined) return busy.others
    return Math.max(othersBetween(long, now), othersBetween(short, now) - SHORT_DOUBT)
  }

  return {
    look(minAgeMs) {
      const at = mono()
      const age = at - busy.at
      if (age < minAgeMs || age <= 0) return busy
      const sample = read()
      if (sample === null) return (busy = { ...busy, known: false, at, gapMs: 0 })
      const last = samples.at(-1)
      const now = { ...sample, at }
      const gapMs = last !== undefined && age > GAP_MS ? age : 0
      busy = { others: last !== undefined && gapMs > 0 ? afterGap(last, now) : inARow(now), known: true, at, gapMs }
      return busy
    },
  }
}
