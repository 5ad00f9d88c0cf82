/**
 * Divides the rig's threads among the processes that work: one that works alone gets all of them, several get equal
 * parts of at least one. A share shrinks at once, because oversubscribed cores cost most, and grows only after a quiet
 * while.
 */
import type { Clock } from '#contract/time.ts'

/** Fewer processes must work for this long before their shares grow. */
const GROW_AFTER_MS = 250

export interface ThreadShare {
  /** Sets which members have work, by index. Call it before work is sent to one that had none. */
  working(members: ReadonlySet<number>): void
  /** The member's process is new: the grant of the last one is void. */
  forget(member: number): void
  stop(): void
}

export interface ThreadShareDeps {
  /** Of all members together. */
  threads: number
  /** Called on changes only. */
  grant: (member: number, threads: number) => void
  clock: Clock
}

export function createThreadShare({ threads, grant, clock }: ThreadShareDeps): ThreadShare {
  const granted = new Map<number, number>()
  let workers: ReadonlySet<number> = new Set()
  let growTimer: AbortController | null = null

  const share = (): number => Math.max(1, Math.floor(threads / Math.max(1, workers.size)))
  const give = (member: number, count: number): void => {
    if (granted.get(member) === count) return
    granted.set(member, count)
    grant(member, count)
  }
  function growLater(): void {
    if (growTimer !== null) return
    const timer = new AbortController()
    growTimer = timer
    clock.sleep(GROW_AFTER_MS, { signal: timer.signal, unref: true }).then(
      () => {
        growTimer = null
        for (const member of workers) give(member, share())
      },
      () => undefined,
    )
  }
  function stopGrowing(): void {
    growTimer?.abort()
    growTimer = null
  }

  return {
    working(members) {
      if (members.size === workers.size && [...members].every((member) => workers.has(member))) return
      workers = new Set(members)
      const count = share()
      let more = false
      for (const member of workers) {
        const has = granted.get(member)
        if (has === undefined || has > count) give(member, count)
        else if (has < count) more = true
      }
      if (more) growLater()
      else stopGrowing()
    },
    forget(member) {
      granted.delete(member)
      workers = new Set([...workers].filter((worker) => worker !== member))
    },
    stop: stopGrowing,
  }
}
