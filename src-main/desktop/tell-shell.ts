/** What the shell shows and keeps of the core: the tray's line, and the owner's answer to "close to tray?". */
import type { Live, Settings, Topic } from '#contract/app.ts'
import type { ShellRequest } from '#contract/host.ts'

type Tray = Extract<ShellRequest, { t: 'tray' }>

export type WatchedLive = Pick<Live, 'engine' | 'running' | 'tokPerS'> & {
  venues: readonly Pick<Live['venues'][number], 'kind' | 'listing'>[]
}

/** The core's own procedures, as far as they are used here. */
export interface WatchedCore {
  live(input: undefined, options: { signal: AbortSignal }): Promise<AsyncIterable<WatchedLive>>
  events(input: undefined, options: { signal: AbortSignal }): Promise<AsyncIterable<{ topic: Topic }>>
  settings(): Promise<Pick<Settings, 'closeToTray'>>
}

export function trayOf(live: WatchedLive): Tray {
  if (live.engine.kind === 'broken') return { t: 'tray', state: 'attention', text: 'the engine keeps failing' }
  if (live.running.length > 0)
    return {
      t: 'tray',
      state: 'serving',
      text: `serving ${live.running.length} ${live.running.length === 1 ? 'job' : 'jobs'}, ${Math.round(live.tokPerS)} tok/s`,
    }
  const listed = live.venues.filter(({ listing }) => listing === 'listed')
  // One that can be reached is enough to earn; the console says which cannot.
  if (listed.length > 0 && listed.every(({ kind }) => kind !== 'online'))
    return { t: 'tray', state: 'attention', text: 'the exchange cannot be reached' }
  if (listed.length > 0) return { t: 'tray', state: 'listed', text: 'listed, waiting for jobs' }
  const isPaused = live.venues.some(({ listing }) => listing === 'paused')
  return { t: 'tray', state: 'off', text: isPaused ? 'paused' : 'not listed' }
}

/**
 * Tells the shell at once and on every change; ends with the signal. `onError` hears a stream that broke, which costs
 * the display only.
 */
export function tellShell(
  core: WatchedCore,
  tell: (request: ShellRequest) => void,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): void {
  let last = ''
  const changed = (request: Tray): void => {
    const key = JSON.stringify(request)
    if (key !== last) tell(request)
    last = key
  }
  const tray = async (): Promise<void> => {
    for await (const live of await core.live(undefined, { signal })) changed(trayOf(live))
  }
  const choice = async (): Promise<void> => {
    for await (const { topic } of await core.events(undefined, { signal })) {
      if (topic === 'settings') tell({ t: 'close-to-tray', choice: (await core.settings()).closeToTray })
    }
  }
  const failed = (error: unknown): void => {
    if (!signal.aborted) onError(error)
  }
  tray().catch(failed)
  choice().catch(failed)
}
