/** Calls to the host, each with one answer: load, unload, inspect, gpus, embed. */
import { fail, fromErrorValue, type StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import { within } from '#lib/within.ts'

import type { EngineHostEvent, EngineHostRequest } from '../protocol.ts'

export interface HostCalls {
  /**
   * Rejects with the host's error, TIMEOUT after `timeoutMs`, or the error given to failAll; CANCELLED once
   * `cancel.signal` is aborted, and the message of `cancel.make` is then sent.
   */
  call(make: (id: number) => EngineHostRequest, timeoutMs: number, cancel?: Cancel): Promise<unknown>
  settle(event: Extract<EngineHostEvent, { t: 'result' | 'failed' }>): void
  failAll(error: StokerError): void
}

interface Cancel {
  signal: AbortSignal
  make: (id: number) => EngineHostRequest
}

/** An aborted call's error. */
export const cancelledCall = (): StokerError => fail('call.nobodyWaits')

const noAnswer = (ms: number): StokerError => fail('engine.silent', { seconds: Math.round(ms / 1_000) })

interface Pending {
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export function createHostCalls(send: (message: EngineHostRequest) => void, clock: Clock): HostCalls {
  const pending = new Map<number, Pending>()
  let nextId = 0
  let over: StokerError | null = null
  return {
    async call(make, timeoutMs, cancel) {
      if (over !== null) throw over
      if (cancel?.signal.aborted === true) throw cancelledCall()
      const id = (nextId += 1)
      const answer = new Promise<unknown>((resolve, reject) => pending.set(id, { resolve, reject }))
      const onAbort = (): void => {
        pending.get(id)?.reject(cancelledCall())
        try {
          if (cancel !== undefined) send(cancel.make(id))
        } catch {
          // The host is gone, and its work with it.
        }
      }
      cancel?.signal.addEventListener('abort', onAbort, { once: true })
      try {
        try {
          send(make(id))
        } catch {
          throw fail('engine.gone')
        }
        return await within(clock, timeoutMs, answer, () => noAnswer(timeoutMs))
      } finally {
        pending.delete(id)
        cancel?.signal.removeEventListener('abort', onAbort)
      }
    },
    settle(event) {
      const call = pending.get(event.id)
      if (event.t === 'result') call?.resolve(event.value)
      else call?.reject(fromErrorValue(event.error))
    },
    failAll(error) {
      over = error
      for (const call of pending.values()) call.reject(error)
    },
  }
}
