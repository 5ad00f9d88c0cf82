/**
 * Asks a host with a model, idle or working, whether it still answers. It says how long it has been silent and decides
 * nothing: a host that works on one very long step is silent too.
 */
import type { Clock } from '#contract/time.ts'
import { SECOND_MS } from '#contract/time.ts'
import { every } from '#lib/every.ts'

export const BEAT_MS = SECOND_MS

export interface HostPulse {
  /** A host has the model now; nothing when it is asked already. */
  begin(): void
  /** No host, or no model. */
  end(): void
  /** The answer to the question of this number. */
  answered(n: number): void
  /**
   * Milliseconds, in whole beats: counted by questions, so that a computer that slept is one beat further, no hour. 0
   * while it answers.
   */
  silentMs(): number
}

export interface HostPulseDeps {
  clock: Clock
  /** One question at a time; throws where the channel is gone. */
  ping(this: void, n: number): void
}

export function createHostPulse({ clock, ping }: HostPulseDeps): HostPulse {
  let beating: AbortController | null = null
  let asked = 0
  let missed = 0
  let waits = false
  const beat = (): void => {
    if (waits) missed += 1
    else {
      waits = true
      asked += 1
      ping(asked)
    }
  }
  return {
    begin() {
      if (beating !== null) return
      beating = new AbortController()
      // Where it cannot be asked it is ending, and its exit says the rest.
      every(clock, BEAT_MS, beat, { onError: () => undefined, signal: beating.signal })
    },
    end() {
      beating?.abort()
      beating = null
      waits = false
      missed = 0
    },
    answered(n) {
      if (n !== asked) return
      waits = false
      missed = 0
    },
    silentMs: () => missed * BEAT_MS,
  }
}
