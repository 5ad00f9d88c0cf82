/** What the tray shows, from the core's own live stream. */
import type { Live } from '#contract/app.ts'
import type { HostRequest } from '#contract/host.ts'
import type { Core } from '#core/core.ts'

type Tray = Extract<HostRequest, { t: 'tray' }>

export function trayOf(live: Pick<Live, 'engine' | 'exchange' | 'listing' | 'running' | 'tokPerS'>): Tray {
  if (live.engine.kind === 'broken') return { t: 'tray', state: 'attention', text: 'the engine keeps failing' }
  if (live.running.length > 0) return { t: 'tray', state: 'serving', text: `serving ${live.running.length} ${live.running.length === 1 ? 'job' : 'jobs'}, ${Math.round(live.tokPerS)} tok/s` }
  if (live.listing === 'listed' && live.exchange.kind !== 'online') return { t: 'tray', state: 'attention', text: 'the exchange cannot be reached' }
  if (live.listing === 'listed') return { t: 'tray', state: 'listed', text: 'listed, waiting for jobs' }
  return { t: 'tray', state: 'off', text: live.listing === 'paused' ? 'paused' : 'not listed' }
}

/** Follows the core until it stops; also passes the stored choice about closing to the tray. */
export async function trayState(core: Core, tell: (request: HostRequest) => void): Promise<void> {
  const { closeToTray } = await core.client.app.settings()
  tell({ t: 'close-to-tray', choice: closeToTray })
  let last = ''
  for await (const live of await core.client.app.live()) {
    const tray = trayOf(live)
    const key = JSON.stringify(tray)
    if (key !== last) tell(tray)
    last = key
  }
}
