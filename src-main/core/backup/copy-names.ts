/** Names of copies, which of them go, and when the next one is due. */
import { DAY_MS, HOUR_MS, MINUTE_MS, type EpochMs } from '#contract/time.ts'

const NAME = /^stoker-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}(?:-\d+)?$/
const PARTIAL = /^\.stoker-[0-9TZ-]+\.partial$/

/** `stoker-2026-11-30T03-00-12`, in UTC, so that names are in order of time. */
export const copyName = (at: EpochMs): string =>
  `stoker-${new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')}`
export const isCopyName = (name: string): boolean => NAME.test(name)
/** While it is made, and while it is removed: nobody takes it for a copy. */
export const partialName = (name: string): string => `.${name}.partial`
export const isPartialName = (name: string): boolean => PARTIAL.test(name)

export interface KeptCopy {
  readonly path: string
  readonly bytes: number
}

/** Those that go, of copies with the newest first; the newest stays whatever its size. */
export function copiesToRemove(
  copies: readonly KeptCopy[],
  { keep, bytesMax }: { keep: number; bytesMax: number },
): KeptCopy[] {
  let bytes = 0
  let full = false
  return copies.filter((copy, index) => {
    bytes += copy.bytes
    full ||= index >= keep || (index > 0 && bytes > bytesMax)
    return full
  })
}

/** The hours in which most rigs are idle, by the clock on the wall. */
const NIGHT = { from: 3, to: 5 }
/** A rig that is off at night gets its copy by day, once it has run for a while. */
const UP_MS = 30 * MINUTE_MS
const LATE_MS = 30 * HOUR_MS
/** Since the copy before: one a night, however its minute wanders. */
const LEAST_MS = 20 * HOUR_MS
export const RETRY_MS = HOUR_MS

export interface DueFacts {
  now: EpochMs
  /** Hour of the day here, 0 to 23. */
  hour: number
  upMs: number
  lastGoodAt: EpochMs | null
  /** Of an automatic one, good or not. */
  lastTriedAt: EpochMs | null
}

/** Whether an automatic copy is to be made now. */
export function isDue({ now, hour, upMs, lastGoodAt, lastTriedAt }: DueFacts): boolean {
  // A clock that was set back must not end the copies.
  const since = (at: EpochMs | null): number => (at === null || at > now + DAY_MS ? Infinity : now - at)
  if (since(lastTriedAt) < RETRY_MS) return false
  const age = since(lastGoodAt)
  if (hour >= NIGHT.from && hour < NIGHT.to) return age >= LEAST_MS
  return age >= LATE_MS && upMs >= UP_MS
}
