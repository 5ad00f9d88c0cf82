/** Settings: what the owner decides. Everything is stored by the core, so it is the same from every window. */
import { PageHead } from '#ui/page.tsx'
import { Loaded } from '#ui/loaded.tsx'
import { useQuery } from '@tanstack/react-query'

import { powerMoney } from '#ui/format.ts'
import { useCore } from '../../core-client.ts'
import { BooksCard } from './books-card.tsx'
import { DataCard } from './data-card.tsx'
import { DevicesCard } from './devices-card.tsx'
import { LookCard } from './look-card.tsx'
import { OwnUseCard } from './own-use-card.tsx'
import { PowerCard } from './power-card.tsx'
import { RigCard } from './rig-card.tsx'
import { SessionsCard } from './sessions-card.tsx'

export function SettingsPage() {
  const { rpc } = useCore()
  const settings = useQuery(rpc.app.settings.queryOptions())
  const data = settings.data
  const price = data?.kwhPriceNano ?? null
  return (
    <>
      <PageHead
        title="Settings"
        sentence={
          data === undefined
            ? 'Reading the settings.'
            : price === null
              ? `${data.rigName} does not know the price of its electricity yet.`
              : `${data.rigName} pays ${powerMoney(price, data.powerCurrency)} for a kWh.`
        }
        sub="Changes take effect at once."
      />
      <Loaded query={settings} lines={6}>
        {(values) => (
          <div className="grid g2" style={{ alignItems: 'start' }}>
            <div className="stack">
              <RigCard settings={values} />
              <DevicesCard />
              <PowerCard settings={values} />
              <LookCard settings={values} />
            </div>
            <div className="stack">
              <OwnUseCard />
              <SessionsCard />
              <DataCard />
              <BooksCard />
            </div>
          </div>
        )}
      </Loaded>
    </>
  )
}
