/**
 * Checks the health of an endpoint: every ten seconds while it is healthy, sooner and with growing pauses while it is
 * not.
 */
import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'

const EVERY_MS = 10_000
const AGAIN_MS = 1_000
/** A busy server may be late once. */
const FAILURES_MAX = 2

export interface Health {
  start(): void
  /** Checks now, or waits for the check in progress; a single failure then means down. */
  checkNow(): Promise<void>
  stop(): void
}

export interface HealthDeps {
  clock: Clock
  /** Rejects when the endpoint is not healthy. */
  check: () => Promise<void>
  isDown: () => boolean
  onUp: () => void
  /** `nextInMs`: time until the next check. */
  onDown: (error: unknown, attempt: number, nextInMs: number) => void
}

export function createHealth({ clock, check, isDown, onUp, onDown }: HealthDeps): Health {
  let stopping = new AbortController()
  let failures = 0
  let checking: Promise<void> | null = null

  const pauseMs = (): number =>
    failures === 0 ? EVERY_MS : Math.min(EVERY_MS, AGAIN_MS * 2 ** Math.min(failures - 1, 8))
  async function runCheck(atOnce: boolean): Promise<void> {
    const { signal } = stopping
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
    checking ??= runCheck(atOnce).finally(() => {
      checking = null
    })
    return checking
  }

  return {
    start() {
      stopping.abort()
      stopping = new AbortController()
      failures = isDown() ? FAILURES_MAX : 0
      // A failed question is told by onDown.
      every(clock, pauseMs, () => checkNow(false), { onError: () => undefined, signal: stopping.signal })
    },
    checkNow: () => checkNow(true),
    stop: () => stopping.abort(),
  }
}
