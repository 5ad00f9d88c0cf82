/** One server of a pool: its address, its key and how many jobs it takes at once. */
import { Button, TextInput } from '@mantine/core'

import { type EndpointDraft, endpointProblems } from './remote-draft.ts'

export interface EndpointFieldsProps {
  number: number
  of: number
  endpoint: EndpointDraft
  onChange: (endpoint: EndpointDraft) => void
  onRemove: () => void
}

export function EndpointFields({ number, of, endpoint, onChange, onRemove }: EndpointFieldsProps) {
  const problems = endpointProblems(endpoint)
  // With one server nothing needs a number; with several every name says which.
  const which = of === 1 ? '' : ` of server ${number}`
  return (
    <fieldset className="endpoint" aria-label={of === 1 ? 'Server' : `Server ${number}`}>
      <TextInput
        label={`Address${which}`}
        placeholder="http://192.168.1.20:8000"
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        value={endpoint.url}
        error={problems.url}
        onChange={(event) => onChange({ ...endpoint, url: event.currentTarget.value })}
      />
      <TextInput
        type="password"
        label={`Key${which}`}
        placeholder="if it asks for one"
        autoComplete="new-password"
        value={endpoint.key}
        onChange={(event) => onChange({ ...endpoint, key: event.currentTarget.value })}
      />
      <TextInput
        label={of === 1 ? 'Slots' : `Slots ${number}`}
        inputMode="numeric"
        value={endpoint.slots}
        error={problems.slots}
        onChange={(event) => onChange({ ...endpoint, slots: event.currentTarget.value })}
      />
      {of > 1 && (
        <Button size="compact-xs" variant="default" onClick={onRemove} style={{ justifySelf: 'start' }}>
          Remove server {number}
        </Button>
      )}
    </fieldset>
  )
}
