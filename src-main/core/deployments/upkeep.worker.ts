/**
 * Looks after what is in memory: unloads what was idle for as long as its owner said (what is listed, examined or
 * working is never idle), asks remote servers again that were away, or not ready yet, when their deployment should
 * have come back, and loads what should be in memory once its model's file is there: a drive may be mounted later than
 * Stoker starts.
 */
import type { DeploymentId } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import { every } from '#lib/every.ts'

import type { LoadStatus } from './deployments.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'

/** The shortest idle time an owner can say is a minute. */
const LOOK_EVERY_MS = 15 * SECOND_MS
/**
 * What servers say that come up together with this machine: nobody there, model still loading, a proxy with nothing
 * behind it.
 */
const AWAY: readonly string[] = ['ENGINE_UNREACHABLE', 'ENGINE_BUSY', 'ENGINE_CRASHED']

/** A file that is there by now is noticed within this time: one look at it costs nothing. */
const FILE_EVERY_MS = 3 * SECOND_MS
/** What a model's file says that may come: it was not there, or was still being copied. */
const ABSENT: readonly string[] = ['MODEL_MISSING', 'MODEL_UNREADABLE', 'MODEL_CHANGED']

const mayComeBack = (failure: LoadStatus['failure']): boolean =>
  failure !== null && (AWAY.includes(failure.code) || (failure.code === 'ENGINE_REFUSED' && failure.endpoint === true))

export interface Upkeep {
  start(): void
  stop(): void
}

export interface UpkeepDeps {
  loaded: LoadedDeployments
  idleUnloadMsOf(this: void, deploymentId: DeploymentId): number | null
  /** Those on remote servers that should be in memory after a restart. */
  wantedRemote(this: void): DeploymentId[]
  /** Local ones that should be in memory. */
  wantedLocal(this: void): DeploymentId[]
  /** Whether the file of its model is there as it was hashed; starts no load. */
  fileReady(this: void, deploymentId: DeploymentId): Promise<boolean>
}

export function createUpkeep(
  { clock, log }: Pick<CoreContext, 'clock' | 'log'>,
  { loaded, idleUnloadMsOf, wantedRemote, wantedLocal, fileReady }: UpkeepDeps,
): Upkeep {
  const stopping = new AbortController()
  const dropIdle = async (): Promise<void> => {
    for (const deploymentId of loaded.ids()) {
      // Asked of all: whoever works now was used now.
      const idle = loaded.idleFor(deploymentId)
      const most = idleUnloadMsOf(deploymentId)
      if (idle === null || most === null || idle < most) continue
      if (await loaded.unloadIdle(deploymentId, most))
        log.info({ deploymentId, idleMs: idle }, 'an idle model was unloaded')
    }
  }
  const reconnect = async (): Promise<void> => {
    const givenBack = loaded.givenBackSignal()
    for (const deploymentId of wantedRemote().filter((id) => mayComeBack(loaded.loadStatus(id).failure)))
      // Its failure is shown with the deployment, and was logged the first time.
      await loaded
        .ensureLoaded(deploymentId, givenBack)
        .catch((error: unknown) => log.debug({ err: error, deploymentId }, 'a remote server still cannot be reached'))
  }
  const findFiles = async (): Promise<void> => {
    const givenBack = loaded.givenBackSignal()
    const absent = wantedLocal().filter((id) => ABSENT.includes(loaded.loadStatus(id).failure?.code ?? ''))
    for (const deploymentId of absent) {
      if (!(await fileReady(deploymentId))) continue
      log.info({ deploymentId }, 'the file of a model that was missing is there; it is loaded')
      await loaded
        .ensureLoaded(deploymentId, givenBack)
        .catch((error: unknown) => log.warn({ err: error, deploymentId }, 'a model that came back could not be loaded'))
    }
  }
  const look = async (): Promise<void> => {
    await dropIdle().catch((error: unknown) => log.warn({ err: error }, 'an idle model could not be unloaded'))
    await reconnect()
  }
  const onError = (error: unknown): void => log.warn({ err: error }, 'remote servers could not be asked again')
  return {
    start() {
      every(clock, LOOK_EVERY_MS, look, { onError, signal: stopping.signal })
      every(clock, FILE_EVERY_MS, findFiles, {
        onError: (error) => log.warn({ err: error }, 'missing model files could not be looked for'),
        signal: stopping.signal,
      })
    },
    stop: () => stopping.abort(new Error('stopped')),
  }
}
