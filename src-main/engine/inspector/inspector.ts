/**
 * Reads the headers of files in a host process of its own, so that no running stream waits for it; the process is stopped
 * after an idle while.
 */
import { fail, StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineGpu, EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import { serial } from '#lib/serial.ts'

import type { LocalMember } from '../client/engine-client.ts'

const IDLE_MS = 30_000
/** The one that is read and those that wait for it. */
const FILES_MAX = 32

export interface Inspector {
  /**
   * One file at a time. Errors: UNAVAILABLE when too many files wait, MODEL_UNSUPPORTED for a file that ends the host
   * twice in a row, and those of the host.
   */
  inspect(path: string, settings: Partial<EngineSettings>): Promise<ModelInspection>
  /** GPUs that the host sees; waits in the same queue. */
  gpus(): Promise<EngineGpu[]>
  /** Stops the host now; files in progress and waiting ones fail with CANCELLED. The next call starts another host. */
  end(): Promise<void>
  stop(): Promise<void>
}

const isCrash = (error: unknown): boolean => error instanceof StokerError && error.code === 'ENGINE_CRASHED'

/**
 * Something else may have ended the host (no memory, an impatient owner), so it is asked again. Twice is once too often:
 * a file that is read without settings is sound, and these settings end the engine; one that is not is to blame itself.
 */
async function readTwice(
  inspect: (asked: Partial<EngineSettings>) => Promise<ModelInspection>,
  path: string,
  settings: Partial<EngineSettings>,
): Promise<ModelInspection> {
  const fileToBlame = (again: unknown): never => {
    throw isCrash(again) ? fail('gguf.aborts', { path }, { cause: again }) : again
  }
  try {
    return await inspect(settings)
  } catch (error) {
    if (!isCrash(error)) throw error
  }
  try {
    return await inspect(settings)
  } catch (error) {
    if (!isCrash(error) || Object.keys(settings).length === 0) return fileToBlame(error)
    await inspect({}).catch(fileToBlame)
    throw fail('engine.settingsAbort', {}, { cause: error })
  }
}

export function createInspector({ make, clock }: { make: () => LocalMember; clock: Clock }): Inspector {
  let host: LocalMember | null = null
  const queue = serial({
    waitingMax: FILES_MAX - 1,
    full: () => fail('inspector.full', { max: FILES_MAX }),
  })
  let idleTimer = new AbortController()
  let stopped = false
  let cancelled = new AbortController()

  async function end(): Promise<void> {
    idleTimer.abort()
    const previous = host
    host = null
    await previous?.stop()
  }
  function stopWhenIdle(): void {
    idleTimer = new AbortController()
    clock.sleep(IDLE_MS, { signal: idleTimer.signal, unref: true }).then(end, () => undefined)
  }
  async function ask<T>(question: (host: LocalMember) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (stopped) throw fail('inspector.stopping')
    signal.throwIfAborted()
    idleTimer.abort()
    try {
      host ??= make()
      // Three bad files in a row must not prevent reading a good one.
      if (host.state().kind === 'broken') await host.retry()
      return await question(host)
    } catch (error) {
      signal.throwIfAborted()
      // A host that hangs in a file answers nothing any more.
      if (error instanceof StokerError && error.code === 'TIMEOUT') await end()
      throw error
    } finally {
      if (!stopped && !signal.aborted) stopWhenIdle()
    }
  }

  function inTurn<T>(question: (host: LocalMember) => Promise<T>): Promise<T> {
    const { signal } = cancelled
    return queue.run(() => ask(question, signal))
  }

  return {
    inspect(path, settings) {
      const { signal } = cancelled
      return queue.run(() =>
        readTwice((asked) => ask((member) => member.inspect(path, asked), signal), path, settings ?? {}),
      )
    },
    gpus: () => inTurn((member) => member.gpus()),
    end() {
      cancelled.abort(fail('inspector.handedBack'))
      cancelled = new AbortController()
      return end()
    },
    stop() {
      stopped = true
      return end()
    },
  }
}
