/** The side bar: pages, and at its foot what this rig is and draws right now. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { Flame } from '#ui/flame.tsx'
import { gpusOf } from '#ui/hardware-facts.tsx'
import { memory, tokPerS, watts } from '#ui/format.ts'
import { Pill } from '#ui/pill.tsx'
import { clock } from '#ui/format-time.ts'

import { useCore, useLive, useStaleness, useVenue } from '../core-client.ts'
import { PAGES } from './pages.ts'

function Rig() {
  const { rpc } = useCore()
  const hardware = useQuery(rpc.app.hardware.queryOptions({ staleTime: 15_000, refetchInterval: 30_000 })).data
  const settings = useQuery(rpc.app.settings.queryOptions()).data
  const live = useLive()
  const { stale, since } = useStaleness()
  const gpus = hardware === undefined ? [] : gpusOf(hardware)
  const [gpu] = gpus
  return (
    <div className={`rig ${stale ? 'is-stale' : ''}`}>
      <b>{settings?.rigName ?? hardware?.hostname ?? 'this rig'}</b>
      {hardware !== undefined && (
        <span>
          {gpu === undefined ? hardware.cpu : `${gpu.name}${gpus.length > 1 ? `, first of ${gpus.length} GPUs` : ''}`}
        </span>
      )}
      {hardware !== undefined && (
        <span>
          {gpu?.memoryBytes != null && gpu.memoryFreeBytes != null
            ? `${memory(gpu.memoryBytes - gpu.memoryFreeBytes)} of ${memory(gpu.memoryBytes)} in use`
            : `${memory(hardware.memoryFreeBytes)} of ${memory(hardware.memoryBytes)} free`}
        </span>
      )}
      {live !== null && (
        <span>
          {live.value.tokPerS > 0 ? tokPerS(live.value.tokPerS) : 'at rest'}
          {live.value.watts !== null && ` · ${watts(live.value.watts.value)} ${live.value.watts.method.split(':')[0]}`}
        </span>
      )}
      {stale && since !== null && <span>as of {clock(since)}</span>}
    </div>
  )
}

export function Side({ onPalette, onShortcuts }: { onPalette: () => void; onShortcuts: () => void }) {
  const { realm } = useVenue()
  return (
    <aside className="side" aria-label="Console and rig">
      <div className="brand">
        <Flame />
        Stoker
        {realm !== 'real' && <Pill tone="hot">{realm}</Pill>}
      </div>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <Link
            key={page.to}
            to={page.to}
            activeOptions={{ exact: page.to === '/', includeSearch: false }}
            activeProps={{ 'aria-current': 'page' }}
          >
            {page.name}
            <kbd aria-hidden="true">{page.digit}</kbd>
          </Link>
        ))}
      </nav>
      <Rig />
      <div className="side-tools">
        <button type="button" className="link-btn" onClick={onPalette} aria-keyshortcuts="Control+K Meta+K">
          Commands <span className="kbd">⌃K</span>
        </button>
        <button type="button" className="link-btn" onClick={onShortcuts} aria-keyshortcuts="?">
          Shortcuts <span className="kbd">?</span>
        </button>
      </div>
    </aside>
  )
}
