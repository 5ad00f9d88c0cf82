/**
 * Shares the rig's threads out among the processes that work: all of them to one that works alone, an equal part (at
 * least one) to each of several. A share shrinks at once, because too many threads on too few cores cost more than
 * anything, and grows after a while of rest only.
 */
import type { Clock } from '#contract/time.ts'

/** So long must fewer processes work before they get more threads. */
const GROW_AFTER_MS = 250

export interface ThreadShare {
  /** Says which members have work, by index. Call before work is sent to one that had none. */
  working(members: ReadonlySet<number>): void
  /** A fresh process knows nothing of what the last one was granted. */
  forget(member: number): void
  stop(): void
}

export interface ThreadShareOptions {
  /** Of all together. */
  threads: number
  /** Called on changes only. */
  grant: (member: number, threads: number) => void
  clock: Clock
}

export function createThreadShare({ threads, grant, clock }: ThreadShareOptions): ThreadShare {
  const granted = new Map<number, number>()
  let workers: ReadonlySet<number> = new Set()
  let growing: AbortController | null = null

  const share = (): number => Math.max(1, Math.floor(threads / Math.max(1, workers.size)))
  const give = (member: number, count: number): void => {
    if (granted.get(member) === count) return
    granted.set(member, count)
    grant(member, count)
  }
  function growLater(): void {
    if (growing !== null) return
    const patience = new AbortController()
    growing = patience
    clock.sleep(GROW_AFTER_MS, { signal: patience.signal, unref: true }).then(
      () => {
        growing = null
        for (const member of workers) give(member, share())
      },
      () => undefined,
    )
  }
  function stopGrowing(): void {
    growing?.abort()
    growing = null
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
