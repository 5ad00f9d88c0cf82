/** Starts Stoker's side and talks to it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

import type { EngineSettings } from '#core/engine/engine.port.ts'

import type { FromHost, ToHost } from './host-protocol.ts'
import type { Side, SideOptions } from './side.ts'

/** What calibration decides; `how` says in words where the figures come from. */
export interface StokerChoice {
  settings: Partial<Pick<EngineSettings, 'processes' | 'threads' | 'batchTokens'>>
  how: string
}

const GPU_LAYERS_ALL = 1_000

function settingsOf(
  { slots, contextTokens, gpu }: SideOptions,
  choice: StokerChoice['settings'],
  prefixReuse: boolean,
): EngineSettings {
  return {
    contextTokens,
    slots,
    threads: availableParallelism(),
    gpuLayers: gpu ? GPU_LAYERS_ALL : 0,
    prefixReuse,
    ...choice,
  }
}

interface Host {
  child: ChildProcess
  ask<T extends FromHost['t']>(message: ToHost, kind: T): Promise<Extract<FromHost, { t: T }>>
  stop(): Promise<void>
}

function startHost(): Host {
  const child = fork(fileURLToPath(new URL('./stoker-host.ts', import.meta.url)), { serialization: 'advanced' })
  const gone = once(child, 'exit')
  let turn: Promise<unknown> = Promise.resolve()
  return {
    child,
    ask(message, kind) {
      const answered = turn.then(async () => {
        child.send(message)
        const [answer] = (await Promise.race([
          once(child, 'message'),
          gone.then(() => [{ t: 'failed', message: 'the process ended' }]),
        ])) as [FromHost]
        if (answer.t === kind) return answer as Extract<FromHost, { t: typeof kind }>
        throw new Error(`Stoker's side failed at ${message.t}: ${answer.t === 'failed' ? answer.message : answer.t}`)
      })
      turn = answered.catch(() => undefined)
      return answered
    },
    async stop() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

/** Lets Stoker measure this model on this machine, as it does for its owner. Nothing else should run. */
export async function calibrateStoker(options: SideOptions): Promise<StokerChoice> {
  const host = startHost()
  try {
    const { calibration } = await host.ask(
      { t: 'calibrate', file: options.file, settings: settingsOf(options, {}, true) },
      'calibrated',
    )
    return { settings: calibration.settings, how: `calibrated in ${(calibration.durationMs / 1_000).toFixed(1)} s` }
  } finally {
    await host.stop()
  }
}

export async function startStoker(options: SideOptions, choice: StokerChoice, prefixReuse: boolean): Promise<Side> {
  const host = startHost()
  const settings = settingsOf(options, choice.settings, prefixReuse)
  const { url, key, model, engine } = await host
    .ask({ t: 'open', file: options.file, settings }, 'opened')
    .catch(async (error: unknown) => {
      await host.stop()
      throw error
    })
  const { processes = 1, threads, batchTokens } = settings
  return {
    url,
    key,
    model,
    pid: host.child.pid!,
    settings: `${engine}; ${options.slots} slots of ${options.contextTokens}; processes ${processes}, threads ${threads}${batchTokens === undefined ? '' : `, batch ${batchTokens}`}${prefixReuse ? '' : ', no prefix reuse'} (${choice.how})`,
    resetLoop: async () => void (await host.ask({ t: 'reset-loop' }, 'ok')),
    loopDelayP99: async () => (await host.ask({ t: 'loop' }, 'loop')).p99Ms,
    deadlines: async (byPrompt) => void (await host.ask({ t: 'deadlines', byPrompt }, 'ok')),
    stop: () => host.stop(),
  }
}
