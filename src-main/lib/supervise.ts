/** Child processes: one table of how long each may take, how one is kept running, and how one is ended. */
import type { Clock } from '#contract/time.ts'

/** Time to end after each step, ms. A step that a caller does not take has 0. */
export interface EndTimes {
  /** Asked by a message or a closed channel. */
  readonly askMs: number
  /** Told by the signal that a process may handle. */
  readonly terminateMs: number
  /** Killed. 0: nobody waits here for a kill to take effect. */
  readonly killMs: number
}

export interface ChildPolicy {
  /**
   * From the start to the first sign that it is ready, ms, without the time in which it migrates; null where nobody
   * waits for one.
   */
  readonly readyMs: number | null
  /** Longest silence while it has work, ms; null where it is not watched. */
  readonly silenceMs: number | null
  /** Pause before the next start after the first, second … failure in a row, ms; the last one repeats. */
  readonly pausesMs: readonly [number, ...number[]]
  /** Who lived so long has not failed: the count starts afresh, ms. Null where only success does that. */
  readonly healthyMs: number | null
  /** So many failures in a row, and it is given up; null: never. */
  readonly failuresMax: number | null
  readonly end: EndTimes
}

export const CHILD_POLICIES = {
  engine: {
    /** From the fork to the host's first message. Longer is a hang: a busy machine with a slow disk takes half a minute. */
    readyMs: 60_000,
    /**
     * A host with work sends its stats after a step, at most every 500 ms, and a step reads at most a piece of a
     * prompt: 128 tokens of a very large model on a slow processor are 30 s at 4 tokens a second, and where memory is
     * so short that it takes longer the machine serves nobody.
     */
    silenceMs: 60_000,
    pausesMs: [250, 1_000, 4_000],
    healthyMs: null,
    failuresMax: 3,
    end: { askMs: 600, terminateMs: 0, killMs: 0 },
  },
  /** The embedded exchange, forked by the headless server. */
  serverExchange: {
    readyMs: 20_000,
    silenceMs: null,
    pausesMs: [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000],
    healthyMs: 30_000,
    /** About five seconds, in which a killed owner's host lets go of folder and port. Of the first start only. */
    failuresMax: 5,
    end: { askMs: 3_000, terminateMs: 1_000, killMs: 0 },
  },
  /** The embedded exchange, forked by the desktop shell, which finishes what a kill does not. */
  desktopExchange: {
    readyMs: null,
    silenceMs: null,
    pausesMs: [500, 1_000, 2_000, 4_000, 8_000, 10_000],
    healthyMs: 10_000,
    failuresMax: null,
    end: { askMs: 3_000, terminateMs: 0, killMs: 0 },
  },
  /** The core and whatever else the desktop shell ends. */
  desktopCore: {
    readyMs: null,
    silenceMs: null,
    pausesMs: [500, 1_000, 1_500, 2_000, 2_500],
    healthyMs: null,
    failuresMax: 6,
    end: { askMs: 8_000, terminateMs: 4_000, killMs: 4_000 },
  },
} as const satisfies Record<string, ChildPolicy>

/** The pause before the next start, ms, after so many failures in a row; 1 for the first. */
export const pauseAfter = ({ pausesMs }: Pick<ChildPolicy, 'pausesMs'>, failures: number): number =>
  pausesMs[Math.min(failures, pausesMs.length) - 1] ?? pausesMs[0]

/**
 * Lives one life after another, never two at once, with the policy's pauses between them, until the signal aborts; the
 * life that runs then is for the caller to end. `life` resolves when the child is gone. `onFailed` is told how many
 * failures in a row there were, not of the end that was asked for.
 */
export async function keepRunning(
  clock: Clock,
  policy: Pick<ChildPolicy, 'pausesMs'> & { readonly healthyMs: number },
  life: () => Promise<void>,
  { signal, onFailed }: { signal: AbortSignal; onFailed: (failures: number) => void },
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    const bornAt = clock.mono()
    await life()
    if (signal.aborted) return
    failures = clock.mono() - bornAt > policy.healthyMs ? 1 : failures + 1
    onFailed(failures)
    await clock.sleep(pauseAfter(policy, failures), { signal }).catch(() => undefined)
  }
}

export interface ReadyWatch {
  /** It brings its data up to date, however long that takes: nothing is late until it said that it is done. */
  busy(): void
  /** It goes on starting, and has its whole time again; nothing when it was not busy. */
  done(): void
}

/**
 * Watches the time that a child has to become ready. A child that says it is busy is waited for: a kill in the middle of
 * a migration only makes the next start begin it anew. Ends with the signal.
 */
export function watchReady(clock: Clock, readyMs: number, signal: AbortSignal, onLate: () => void): ReadyWatch {
  let timer = new AbortController()
  const start = (): void => {
    timer = new AbortController()
    const ended = AbortSignal.any([signal, timer.signal])
    clock.sleep(readyMs, { signal: ended, unref: true }).then(onLate, () => undefined)
  }
  start()
  return {
    busy: () => timer.abort(),
    done() {
      if (timer.signal.aborted && !signal.aborted) start()
    },
  }
}

export interface EndSteps {
  ask?: () => void
  terminate?: () => void
  kill: () => void
}

/** Takes one step after another, each when the last did not help in its time. True when the child is gone. */
export async function endChild(
  clock: Clock,
  exited: Promise<unknown>,
  { askMs, terminateMs, killMs }: EndTimes,
  { ask, terminate, kill }: EndSteps,
): Promise<boolean> {
  const steps = [
    [ask, askMs],
    [terminate, terminateMs],
    [kill, killMs],
  ] as const
  for (const [act, waitMs] of steps) {
    if (act === undefined) continue
    act()
    if (waitMs > 0 && (await endsWithin(clock, exited, waitMs))) return true
  }
  return false
}

async function endsWithin(clock: Clock, exited: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  // Holds the process: who ends a child must not leave before it.
  const late = clock.sleep(ms, { signal: timer.signal }).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([exited.then(() => true), late])
  } finally {
    timer.abort()
  }
}
