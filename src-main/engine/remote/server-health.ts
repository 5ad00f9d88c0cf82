/**
 * Asks an endpoint how it is, again and again: every ten seconds while it is well, sooner and with growing pauses while
 * it is not.
 */
import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'

const EVERY_MS = 10_000
const AGAIN_MS = 1_000
/** A server that is busy may be late once. */
const FAILURES_MAX = 2

export interface Health {
  start(): void
  /** Asks at once, or waits for the answer under way; a failure counts as the last straw. */
  checkNow(): Promise<void>
  stop(): void
}

export interface HealthOptions {
  clock: Clock
  /** Rejects when it is not well. */
  check: () => Promise<void>
  isDown: () => boolean
  onUp: () => void
  /** `until`: monotonic milliseconds of the next question. */
  onDown: (error: unknown, attempt: number, nextInMs: number) => void
}

export function createHealth({ clock, check, isDown, onUp, onDown }: HealthOptions): Health {
  let over = new AbortController()
  let failures = 0
  let asking: Promise<void> | null = null

  const pauseMs = (): number =>
    failures === 0 ? EVERY_MS : Math.min(EVERY_MS, AGAIN_MS * 2 ** Math.min(failures - 1, 8))
  async function ask(atOnce: boolean): Promise<void> {
    const { signal } = over
    try {
      await check()
      if (signal.aborted) return
      failures = 0
      if (isDown()) onUp()
    } catch (error) {
      if (signal.aborted) return
      failures = Math.max(failures + 1, atOnce ? FAILURES_MAX : 0)
      if (isDown() || failures >= FAILURES_MAX) onDown(error, failures, pauseMs())
    }
  }
  function checkNow(atOnce: boolean): Promise<void> {
    asking ??= ask(atOnce).finally(() => {
      asking = null
    })
    return asking
  }

  return {
    start() {
      over.abort()
      over = new AbortController()
      failures = isDown() ? FAILURES_MAX : 0
      // A failed question is told by onDown.
      every(clock, pauseMs, () => checkNow(false), { onError: () => undefined, signal: over.signal })
    },
    checkNow: () => checkNow(true),
    stop: () => over.abort(),
  }
}
