/**
 * Reads files' headers in a host process of its own, so that no running stream waits for it; the process ends when it
 * is idle for a while.
 */
import { StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineGpu, EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import { serial } from '#lib/serial.ts'

import type { LocalMember } from '../client/engine-client.ts'

const IDLE_MS = 30_000
/** The one that is read and those that wait for it. */
const FILES_MAX = 32

export interface Inspector {
  /** One file at a time. Errors: UNAVAILABLE beyond the bound on waiting files, and what the host says. */
  inspect(path: string, settings: Partial<EngineSettings>): Promise<ModelInspection>
  /** GPUs the host sees; waits its turn as files do. */
  gpus(): Promise<EngineGpu[]>
  /** Ends the host now; what is being read, and waits to be, fails with CANCELLED. The next call starts another. */
  end(): Promise<void>
  stop(): Promise<void>
}

export function createInspector({ make, clock }: { make: () => LocalMember; clock: Clock }): Inspector {
  let host: LocalMember | null = null
  const queue = serial({
    waitingMax: FILES_MAX - 1,
    full: () =>
      new StokerError('UNAVAILABLE', `${FILES_MAX} files are being read already. Wait for them, then try again.`),
  })
  let idle = new AbortController()
  let stopped = false
  let ending = new AbortController()

  async function end(): Promise<void> {
    idle.abort()
    const leaving = host
    host = null
    await leaving?.stop()
  }
  function stopWhenIdle(): void {
    idle = new AbortController()
    clock.sleep(IDLE_MS, { signal: idle.signal, unref: true }).then(end, () => undefined)
  }
  async function ask<T>(question: (host: LocalMember) => Promise<T>, until: AbortSignal): Promise<T> {
    if (stopped) throw new StokerError('UNAVAILABLE', 'Stoker is stopping. Start it again to read this file.')
    until.throwIfAborted()
    idle.abort()
    try {
      host ??= make()
      // Three bad files in a row must not keep a good one from being read.
      if (host.state().kind === 'broken') await host.retry()
      return await question(host)
    } catch (error) {
      until.throwIfAborted()
      throw error
    } finally {
      if (!stopped && !until.aborted) stopWhenIdle()
    }
  }

  function inTurn<T>(question: (host: LocalMember) => Promise<T>): Promise<T> {
    const { signal } = ending
    return queue.run(() => ask(question, signal))
  }

  return {
    inspect: (path, settings) => inTurn((member) => member.inspect(path, settings)),
    gpus: () => inTurn((member) => member.gpus()),
    end() {
      ending.abort(
        new StokerError(
          'CANCELLED',
          'The machine was given back while this file was read. Read it again when you want it.',
        ),
      )
      ending = new AbortController()
      return end()
    },
    stop() {
      stopped = true
      return end()
    },
  }
}
