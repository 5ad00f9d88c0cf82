/** Lines above a page: the realm, and what is wrong with the connection if anything is. */
import { Button } from '@mantine/core'

import { realmLine } from '#ui/format.ts'
import { clock } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useConnection, useCore, useHello, useLive } from '../core-client.ts'

export function RealmLine() {
  const realm = useHello()?.realm ?? null
  const line = realm === null ? null : realmLine(realm)
  return line === null ? null : (
    <p className="realm-line">
      <b>{realm}:</b> {line}
    </p>
  )
}

export function ConnectionBanner() {
  const { connection } = useCore()
  const state = useConnection()
  const live = useLive()
  const now = useNow()
  if (state.kind !== 'offline') return null
  const wait = Math.max(0, Math.ceil((state.retryAt - now) / 1_000))
  return (
    <output className="banner act">
      <span>
        <b>Not connected to the core.</b> {state.reason}.{' '}
        {live !== null && `Figures are as of ${clock(live.receivedAt)}. `}
        <span aria-hidden="true">{wait > 0 ? `Trying again in ${wait} s.` : 'Trying again now.'}</span>
      </span>
      <Button variant="default" size="xs" onClick={() => connection.retryNow()}>
        Try now
      </Button>
    </output>
  )
}
