import { Button } from '@mantine/core'
import { useState } from 'react'

import type { Settings } from '#contract/app.ts'
import { Card } from '#ui/page.tsx'
import { draftOf, readDraft } from '#ui/power-form.ts'

import { PowerFields } from '../../forms.ts'
import { useSave } from './use-save.ts'

export function PowerCard({ settings }: { settings: Settings }) {
  const [draft, setDraft] = useState(draftOf(settings))
  const [currency, setCurrency] = useState(settings.powerCurrency)
  const { values, problems } = readDraft(draft)
  const save = useSave('Electricity is counted with the new values from now on.')
  return (
    <Card title="Electricity" aside={<span className="age">a real cost, also in practice</span>}>
      <form onSubmit={(event) => (event.preventDefault(), save.mutate({ ...values, powerCurrency: currency }))}>
        <PowerFields
          draft={draft}
          problems={problems}
          currency={currency}
          onDraft={setDraft}
          onCurrency={setCurrency}
        />
        <Button
          type="submit"
          mt={14}
          variant="default"
          loading={save.isPending}
          disabled={Object.keys(problems).length > 0}
        >
          Save
        </Button>
      </form>
    </Card>
  )
}
