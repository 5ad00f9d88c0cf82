import { Link } from '@tanstack/react-router'

import { Card } from '#ui/page.tsx'
import { t } from '#ui/say.ts'

import { useConnection, useVenue } from '../../core-client.ts'

const CORE_DUMPS = {
  on: 'Core dumps are on: a crash can write what was in memory to disk, buyers’ prompts among it. Start Stoker with “ulimit -c 0” (Linux: install prlimit, part of util-linux).',
  unknown:
    'This system does not say whether a crash writes memory to disk, buyers’ prompts among it. Switch crash dumps off in its settings.',
} as const

export function DataCard() {
  const connection = useConnection()
  const { realm } = useVenue()
  if (connection.kind !== 'online') return null
  const { hello } = connection
  return (
    <Card title="Data and version">
      <dl className="facts">
        <dt>Folder</dt>
        <dd className="mono">{hello.dataDir}</dd>
        <dt>Exchange</dt>
        <dd className="mono">{hello.exchangeUrl ?? 'inside this app'}</dd>
        <dt>Realm</dt>
        <dd>{realm}</dd>
        <dt>Version</dt>
        <dd>
          {hello.version}, {hello.mode}
        </dd>
      </dl>
      {hello.coreDumps !== 'off' && (
        <p className="banner act" style={{ margin: '10px 0' }}>
          {CORE_DUMPS[hello.coreDumps]}
        </p>
      )}
      <p className="foot">
        The folder holds the ledger and the keys: <Link to="/backup">{t('backup.open')}</Link>. Buyers' prompts and
        answers are not in it; exam questions and your model's replies are.{' '}
        <Link to="/welcome">Walk through the first run again</Link>
      </p>
    </Card>
  )
}
