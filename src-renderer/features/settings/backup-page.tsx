/** Backup: which copies of the data folder there are, one more now, and how to put one back. */
import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'

import type { BackupEntry, BackupStatus } from '#contract/backup.ts'
import { fileSize } from '#ui/format.ts'
import { age, day, hour, moment } from '#ui/format-time.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Card, PageHead } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'
import { sentence, t } from '#ui/say.ts'
import { type Column, Table } from '#ui/table.tsx'
import { useNow } from '#ui/use-now.ts'

import { useCore } from '../../core-client.ts'
import { backupSentence } from './backup-sentence.ts'
import { NightlyCard } from './nightly-card.tsx'

const RUNNING_EVERY_MS = 500
const REST_EVERY_MS = 30_000

export function BackupPage() {
  const { rpc } = useCore()
  const status = useQuery(
    rpc.backup.status.queryOptions({
      refetchInterval: ({ state }) => (state.data?.running == null ? REST_EVERY_MS : RUNNING_EVERY_MS),
    }),
  )
  const now = useNow()
  const { data } = status
  const said =
    data !== undefined ? backupSentence(data, now) : t(status.isError ? 'backup.unreadable' : 'backup.reading')
  return (
    <>
      <PageHead
        title={t('backup.title')}
        sentence={said}
        sub={t('backup.sub')}
        actions={data !== undefined && <BackUpNow status={data} />}
      />
      <Loaded query={status} lines={6}>
        {(values) => (
          <>
            <div className="grid g2" style={{ alignItems: 'start' }}>
              <div className="stack">
                <LastCard last={values.last} />
                <NightlyCard status={values} />
              </div>
              <div className="stack">
                <HoldsCard models={values.models} />
                <RestoreCard restored={values.restored} />
              </div>
            </div>
            {values.recent.length > 0 && <RecentCard recent={values.recent} />}
          </>
        )}
      </Loaded>
    </>
  )
}

function BackUpNow({ status: { running } }: { status: BackupStatus }) {
  const { client, queries } = useCore()
  const start = useMutation({
    mutationFn: () => client.backup.start({}),
    onError: (error) => sayError(t('backup.notBegun'), error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['backup']] }),
  })
  return (
    <Button loading={running !== null || start.isPending} onClick={() => start.mutate()}>
      {t('backup.now')}
    </Button>
  )
}

const how = (entry: BackupEntry): string => t(entry.automatic ? 'backup.byNight' : 'backup.byHand')

function LastCard({ last }: { last: BackupEntry | null }) {
  const now = useNow()
  return (
    <Card title={t('backup.last')}>
      {last === null ? (
        <Empty title={t('backup.none')}>{t('backup.noneWhy')}</Empty>
      ) : (
        <dl className="facts">
          <dt>{t('backup.made')}</dt>
          <dd className="num">
            {moment(last.endedAt)}{' '}
            <span className="age" style={{ whiteSpace: 'nowrap' }}>
              {age(last.endedAt, now)}
            </span>
          </dd>
          <dt>{t('backup.size')}</dt>
          <dd className="num">{fileSize(last.bytes)}</dd>
          <dt>{t('backup.how')}</dt>
          <dd>{how(last)}</dd>
          <dt>{t('backup.where')}</dt>
          <dd className="mono">{last.path}</dd>
        </dl>
      )}
      <p className="foot">
        {t('backup.byCommand')} <code>{t('backup.commandRun')}</code>
      </p>
    </Card>
  )
}

function HoldsCard({ models }: { models: BackupStatus['models'] }) {
  return (
    <Card title={t('backup.holds')}>
      <ul className="column" style={{ margin: 0, paddingLeft: '1.2rem', gap: 6 }}>
        <li>{t('backup.holdsBooks')}</li>
        <li>{t('backup.holdsKeys')}</li>
        <li>{t('backup.holdsExchange')}</li>
      </ul>
      <p className="foot">{t('backup.leftModels', { files: models.files, size: fileSize(models.bytes) })}</p>
      <p className="foot">{t('backup.leftRest')}</p>
    </Card>
  )
}

function RestoreCard({ restored }: { restored: BackupStatus['restored'] }) {
  return (
    <Card title={t('backup.restore')}>
      {restored !== null && (
        <p className="banner act" style={{ margin: '0 0 12px' }}>
          {t('backup.restored', { at: moment(restored.at), made: moment(restored.madeAt) })}
        </p>
      )}
      <p>{t('backup.restoreStop')}</p>
      <p style={{ margin: '6px 0 10px' }}>
        <code>{t('backup.restoreRun')}</code>
      </p>
      <p>{t('backup.restoreDoes')}</p>
      <p className="foot">{t('backup.restoreAfter')}</p>
    </Card>
  )
}

const columns = (): Column<BackupEntry>[] => [
  {
    head: t('backup.when'),
    cell: ({ endedAt }) => (
      <span className="num" title={moment(endedAt)}>
        {day(endedAt)}, {hour(endedAt)}
      </span>
    ),
  },
  { head: t('backup.how'), cell: how, wideOnly: true },
  {
    head: t('backup.size'),
    right: true,
    wideOnly: true,
    cell: ({ bytes, problem }) =>
      problem === null ? <span className="num">{fileSize(bytes)}</span> : <Pill tone="bad">{t('backup.failed')}</Pill>,
  },
  {
    head: t('backup.result'),
    cell: ({ path, problem }) => (
      <span style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }} className={problem === null ? 'mono' : ''}>
        {problem === null ? path : sentence(problem)}
      </span>
    ),
  },
]

function RecentCard({ recent }: { recent: readonly BackupEntry[] }) {
  return (
    <Card title={t('backup.recent')}>
      <Table
        caption={t('backup.caption')}
        columns={columns()}
        rows={recent}
        rowKey={({ startedAt, endedAt }) => `${startedAt} ${endedAt}`}
      />
    </Card>
  )
}
