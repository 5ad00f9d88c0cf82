import { Link } from '@tanstack/react-router'

import { Card } from '#ui/page.tsx'
import { t } from '#ui/say.ts'

import { useConnection, useVenue } from '../../core-client.ts'

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
      <p className="foot">
        The folder holds the ledger and the keys: <Link to="/backup">{t('backup.open')}</Link>. Buyers' prompts and
        answers are not in it; exam questions and your model's replies are.{' '}
        <Link to="/welcome">Walk through the first run again</Link>
      </p>
    </Card>
  )
}
