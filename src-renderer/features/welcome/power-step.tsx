import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Settings } from '#contract/app.ts'
import { TYPICAL_KWH_NANO } from '#contract/power-currencies.ts'
import { editable, POWER } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { errorText } from '#ui/say.ts'
import { Card, PageHead } from '#ui/page.tsx'
import { draftOf, readDraft } from '#ui/power-form.ts'

import { useCore } from '../../core-client.ts'
import { PowerFields } from '../../forms.ts'

const typical = (currency: Settings['powerCurrency']): string => editable(TYPICAL_KWH_NANO[currency], POWER)

function Form({ settings, onNext }: { settings: Settings; onNext: () => void }) {
  const { client, queries } = useCore()
  const [currency, setCurrency] = useState(settings.powerCurrency)
  const [draft, setDraft] = useState(() => {
    const stored = draftOf(settings)
    return stored.kwh === '' ? { ...stored, kwh: typical(settings.powerCurrency) } : stored
  })
  const { values, problems } = readDraft(draft)
  const save = useMutation({
    mutationFn: () => client.app.updateSettings({ ...values, powerCurrency: currency }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [['app', 'settings']] })
      onNext()
    },
  })
  const changeCurrency = (next: Settings['powerCurrency']): void => {
    // A price nobody has edited follows the currency; an own one stays.
    if (draft.kwh === typical(currency)) setDraft({ ...draft, kwh: typical(next) })
    setCurrency(next)
  }
  return (
    <form onSubmit={(event) => (event.preventDefault(), save.mutate())}>
      <Card title="What a kilowatt-hour costs you">
        <PowerFields
          draft={draft}
          problems={problems}
          currency={currency}
          onDraft={setDraft}
          onCurrency={changeCurrency}
        />
        <p className="foot">
          The price shown is a usual one; your bill knows better. Electricity is a real cost also while the income is
          practice.
        </p>
        {save.isError && (
          <p className="banner bad" role="alert">
            {errorText(save.error)}
          </p>
        )}
      </Card>
      <Button type="submit" mt={14} loading={save.isPending} disabled={Object.keys(problems).length > 0}>
        Continue
      </Button>
    </form>
  )
}

export function PowerStep({ onNext }: { onNext: () => void }) {
  const { rpc } = useCore()
  const settings = useQuery(rpc.app.settings.queryOptions())
  return (
    <>
      <PageHead
        title="First run: electricity"
        sentence="Electricity is what a million tokens cost you."
        sub="With its price every job shows its cost beside its income."
      />
      <Loaded query={settings}>{(data) => <Form settings={data} onNext={onNext} />}</Loaded>
    </>
  )
}
