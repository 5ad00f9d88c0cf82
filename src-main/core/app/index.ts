/** The console itself: hello, what changed, live values. */
import type { Live } from '#contract/app.ts'
import type { CoreContext } from '#core/core-context.ts'
import { dataOption } from '#lib/data-directory.ts'

import { contractHash } from './contract-hash.ts'
import { liveNow, liveStream, type LiveDeps } from './live.ts'
import { stoppagesNow, type StoppageDeps } from './stoppages.ts'

export function createApp(context: CoreContext, deps: LiveDeps & StoppageDeps & { exchangeUrl(): string | null }) {
  const { os, version, host, clock, dataDir, events } = context
  const stream = liveStream(context, deps)
  let hash: string | null = null
  return {
    live: (): Live => liveNow(context, deps),
    api: {
      hello: os.app.hello.handler(() => ({
        version,
        contractHash: (hash ??= contractHash()),
        mode: host.mode,
        venues: deps.venues.map(({ context: { venueId, driver, realm, unit } }) => ({
          venueId,
          driver,
          realm,
          unit,
        })),
        now: clock.now(),
        dataDir,
        dataOption: dataOption(dataDir),
        exchangeUrl: deps.exchangeUrl(),
        coreDumps: host.coreDumps ?? 'unknown',
      })),
      events: os.app.events.handler(({ signal }) => events.subscribe(signal)),
      live: os.app.live.handler(({ signal }) => stream(signal)),
      stoppages: os.app.stoppages.handler(() => stoppagesNow(deps)),
    },
  }
}
