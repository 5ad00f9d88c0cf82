/**
 * The fields of electricity: price, currency, and estimates where watts cannot be read. Used by settings and the first
 * run.
 */
import { NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import type { Settings } from '#contract/app.ts'
import { POWER_CURRENCIES } from '#contract/power-currencies.ts'
import { watts } from '#ui/format.ts'
import { readDraft, type PowerDraft, type PowerProblems } from '#ui/power-form.ts'

import { useCore } from '../connection/core-provider.tsx'
import { NumberReadings } from './number-readings.tsx'

export interface PowerFieldsProps {
  draft: PowerDraft
  problems: PowerProblems
  currency: Settings['powerCurrency']
  onDraft: (draft: PowerDraft) => void
  onCurrency: (currency: Settings['powerCurrency']) => void
}

export function PowerFields({ draft, problems, currency, onDraft, onCurrency }: PowerFieldsProps) {
  const { rpc } = useCore()
  const { asks } = readDraft(draft)
  const power = useQuery(rpc.app.power.queryOptions({ refetchInterval: 5_000 })).data
  return (
    <div style={{ display: 'grid', gap: 14 }}>
      <div className="btns" style={{ alignItems: 'flex-start' }}>
        <TextInput
          label="Price of a kWh"
          inputMode="decimal"
          value={draft.kwh}
          error={problems.kwh}
          onChange={(event) => onDraft({ ...draft, kwh: event.currentTarget.value })}
        />
        <NativeSelect
          label="Currency"
          value={currency}
          data={[...POWER_CURRENCIES]}
          onChange={(event) =>
            onCurrency(POWER_CURRENCIES.find((each) => each === event.currentTarget.value) ?? currency)
          }
        />
      </div>
      <NumberReadings texts={asks.kwh} onChoose={(kwh) => onDraft({ ...draft, kwh })} />
      <p className="sub">
        {power?.watts == null
          ? 'Watts cannot be read on this machine, so your estimate is used.'
          : `Now ${watts(power.watts.value)}, ${power.watts.method}.`}
      </p>
      <div className="btns" style={{ alignItems: 'flex-start' }}>
        <TextInput
          label="Watts while serving"
          placeholder="estimated"
          description="whole machine, at the plug"
          inputMode="decimal"
          value={draft.serving}
          error={problems.serving}
          onChange={(event) => onDraft({ ...draft, serving: event.currentTarget.value })}
        />
        <TextInput
          label="Watts idle"
          placeholder="estimated"
          description="whole machine, at the plug"
          inputMode="decimal"
          value={draft.idle}
          error={problems.idle}
          onChange={(event) => onDraft({ ...draft, idle: event.currentTarget.value })}
        />
      </div>
      <NumberReadings texts={asks.serving} onChoose={(serving) => onDraft({ ...draft, serving })} />
      <NumberReadings texts={asks.idle} onChoose={(idle) => onDraft({ ...draft, idle })} />
    </div>
  )
}
