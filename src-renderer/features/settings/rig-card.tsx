import { Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Settings } from '#contract/app.ts'
import { Age } from '#ui/age.tsx'
import { Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { HardwareFacts } from '#ui/hardware-facts.tsx'

import { useCore } from '../../core-client.ts'
import { useSave } from './use-save.ts'

export function RigCard({ settings }: { settings: Settings }) {
  const { rpc } = useCore()
  const hardware = useQuery(rpc.app.hardware.queryOptions({ staleTime: 15_000 }))
  const [name, setName] = useState(settings.rigName)
  const save = useSave('The rig has its new name.')
  return (
    <Card title="This rig" aside={hardware.data !== undefined && <Age at={hardware.data.at} words="age.read" />}>
      <form
        className="btns"
        style={{ alignItems: 'flex-end', marginBottom: 14 }}
        onSubmit={(event) => (event.preventDefault(), save.mutate({ rigName: name }))}
      >
        <TextInput
          style={{ flex: '1 1 12rem' }}
          label="Name"
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          type="submit"
          variant="default"
          loading={save.isPending}
          disabled={name.trim() === '' || name === settings.rigName}
        >
          Rename
        </Button>
      </form>
      <Loaded query={hardware}>{(data) => <HardwareFacts hardware={data} />}</Loaded>
    </Card>
  )
}
