/**
 * Entry of the engine host process. Its parent is a Node process (IPC) or Electron's main process (a MessagePort in the
 * first message). When the parent goes away, the host ends: no orphan keeps the GPU.
 */
import { randomInt } from 'node:crypto'

import { childProcessChannel } from '#contract/channel/child-process.ts'

import type { EngineHostEvent } from '../protocol.ts'
import { processors, usableCores } from './processor/busy-cores.ts'
import { createCpuReader } from './processor/busy-counters.ts'
import { createBusyWatch } from './processor/busy-watch.ts'
import { createFallbackNotice } from './native/fallback-notice.ts'
import { loadFitting } from './gguf/memory-fit.ts'
import { createGovernor } from './processor/governor.ts'
import { checkBound, checkVisible } from './native/gpus.ts'
import { createHost, type EngineHostDeps } from './engine-host.ts'
import { inspectModel } from './gguf/inspect-model.ts'
import { estimateMemory, openEstimator } from './native/llama-estimate.ts'
import { loadStepModel, visibleGpus } from './native/llama-model.ts'
import { noCoreDumps } from './no-core-dumps.ts'
import { dieWithParent } from './parent-death.ts'
import { lowerPriority } from './processor/lower-priority.ts'
import { templatesInThread } from './template/template-thread.ts'
import { warmUp } from './warm-up.ts'

/** Electron's MessagePortMain, as far as it is used. */
interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
  on(event: 'close', listener: () => void): void
  start(): void
}
interface ParentPort {
  once(event: 'message', listener: (event: { ports: Port[] }) => void): void
}

/** Beside this file in a build, below it in the sources. */
const TEMPLATE_THREAD = import.meta.url.endsWith('.ts')
  ? new URL('./template/template-worker.ts', import.meta.url)
  : new URL('./template-worker.js', import.meta.url)
const CORES = usableCores()
const mono = (): number => performance.now()

function serve(send: (event: EngineHostEvent) => void, exit: () => void): (message: unknown) => void {
  const host = createHost({
    send,
    exit,
    mono,
    randomSeed: () => randomInt(2 ** 32),
    rssBytes: () => process.memoryUsage.rss(),
    openTemplate: templatesInThread(TEMPLATE_THREAD),
    async inspect(path, settings) {
      if ((settings.gpuLayers ?? 0) > 0) checkVisible(await visibleGpus(), process.env)
      return inspectModel(path, settings, estimateMemory)
    },
    gpus: visibleGpus,
    load: loadChecked,
    governorFor: ({ threadsMax }) =>
      createGovernor({
        limit: threadsMax,
        cores: CORES,
        processors: processors(),
        mono,
        watch: createBusyWatch({ read: createCpuReader(CORES), mono }),
      }),
  })
  send({ t: 'ready', pid: process.pid })
  return (message) => host.handle(message)
}

/** Logged by the parent, once a process; the deployment itself shows `(public API)`. */
const tellFallback = createFallbackNotice((line) => void process.stderr.write(line))

/**
 * A process that is to use a GPU must see it before anything is estimated. The file may have changed since its import: its
 * header is read again before the library loads it. Threads created from here on inherit the lower priority, those of
 * the step loop among them.
 */
const loadChecked: EngineHostDeps['load'] = async (path, sha256, settings, warming) => {
  if (settings.gpuLayers > 0) {
    const seen = await visibleGpus()
    if (settings.gpus === 'each') checkBound(seen)
    else checkVisible(seen, process.env)
  }
  const inspect = (): ReturnType<typeof inspectModel> => inspectModel(path, settings, estimateMemory)
  return loadFitting(
    settings,
    { inspect, openEstimator: () => openEstimator(path, settings.gpuLayers > 0) },
    async () => {
      lowerPriority()
      const model = await loadStepModel(path, sha256, settings, { onFallback: tellFallback })
      try {
        await warmUp(model, { mono, ...warming })
        return model
      } catch (error) {
        await model.dispose()
        throw error
      }
    },
  )
}

function serveParentPort(parent: ParentPort): void {
  parent.once('message', ({ ports: [port] }) => {
    if (port === undefined) process.exit(1)
    const handle = serve(
      (event) => port.postMessage(event),
      () => process.exit(0),
    )
    port.on('message', ({ data }) => handle(data))
    port.on('close', () => process.exit(0))
    port.start()
  })
}

function serveIpc(): void {
  dieWithParent(() => process.exit(0))
  // Ctrl+C in a terminal, and its end, reach every process of the group; the parent decides when this one stops.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined)
  const channel = childProcessChannel<EngineHostEvent>(process)
  channel.onClose(() => process.exit(0))
  const handle = serve(
    (event) => {
      if (channel.isOpen) channel.send(event)
    },
    () => process.exit(0),
  )
  channel.onMessage(handle)
}

// Before the first prompt comes. Windows writes no dump of a whole process unless its owner has asked for that.
if (!noCoreDumps() && process.platform !== 'win32')
  process.stderr.write('Core dumps of the engine could not be switched off: a crash may write prompts to the disk.\n')
const parentPort = (process as unknown as { parentPort?: ParentPort }).parentPort
if (parentPort !== undefined) serveParentPort(parentPort)
else if (process.send !== undefined) serveIpc()
else {
  process.stderr.write('The engine host is started by Stoker, not by hand.\n')
  process.exit(2)
}
