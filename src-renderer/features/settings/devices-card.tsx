/** The GPUs of this rig, one panel each: as the engine sees it, what its driver says, and where the two disagree. */
import { useQuery } from '@tanstack/react-query'

import type { Hardware, HardwareDevice } from '#contract/app.ts'
import { Age } from '#ui/age.tsx'
import { memory, watts } from '#ui/format.ts'
import { moment } from '#ui/format-time.ts'
import { Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { say, sentence, t } from '#ui/say.ts'
import { Table } from '#ui/table.tsx'

import { useCore } from '../../core-client.ts'
import { memoryParts, type MemoryParts } from './device-memory.ts'

const LIVE_MS = 10_000
/** Of the record; the rest is in `stoker status`. */
const EVENTS_SHOWN = 5

export function DevicesCard() {
  const { rpc } = useCore()
  const hardware = useQuery(rpc.app.hardware.queryOptions({ staleTime: LIVE_MS, refetchInterval: LIVE_MS }))
  const count = hardware.data?.devices.length ?? 0
  return (
    <Card title={t('device.title', { n: count })} label={t('device.title', { n: 2 })}>
      <Loaded query={hardware} lines={4}>
        {(data) => <Devices hardware={data} />}
      </Loaded>
      <Befell />
    </Card>
  )
}

function Devices({ hardware: { devices, notes } }: { hardware: Hardware }) {
  return (
    <div className="devices">
      {devices.length === 0 && <p className="foot">{t('device.none')}</p>}
      {notes.map((note) => (
        <p key={JSON.stringify(note)} className="device-note">
          {sentence(note)}
        </p>
      ))}
      {devices.map((device) => (
        <Device key={device.id} device={device} />
      ))}
    </div>
  )
}

function Device({ device }: { device: HardwareDevice }) {
  const { name, engine, driver, notes, users } = device
  const parts = memoryParts(device)
  return (
    <section className="device" aria-label={name}>
      <div className="device-head">
        <h3>{name}</h3>
        {(driver ?? engine) !== null && <Age at={(driver ?? engine)!.at} staleMs={60_000} words="age.read" />}
      </div>
      {parts === null ? <p className="foot">{t('device.unknown')}</p> : <Memory device={device} parts={parts} />}
      <Figures device={device} />
      {notes.length > 0 && (
        <ul className="device-notes" aria-label={t('device.notes', { name })}>
          {notes.map((note) => (
            <li key={JSON.stringify(note)} className="device-note">
              {sentence(note)}
            </li>
          ))}
        </ul>
      )}
      {users !== null && users.length > 0 && <Users name={name} users={users} />}
      <p className="foot">
        {engine === null
          ? t('device.noEngine')
          : t('device.engine', { backend: engine.backend === '' ? '?' : engine.backend })}
        {' · '}
        {driver === null ? t('device.noDriver') : t(`device.driver.${driver.source}`)}
      </p>
    </section>
  )
}

function Memory({ device: { leastFreeBytes, shared }, parts }: { device: HardwareDevice; parts: MemoryParts }) {
  const { total, used, free, ours, others, unnamed } = parts
  const shares = [
    ['ours', ours, t('device.byStoker', { memory: memory(ours) })],
    ['others', others, t('device.byOthers', { memory: memory(others) })],
    ['unnamed', unnamed, t('device.byNobody', { memory: memory(unnamed) })],
  ] as const
  const shown = shares.filter(([, bytes]) => bytes > 0)
  return (
    <>
      <div className="device-line num">
        <b>{t('device.inUse', { used: memory(used), total: memory(total) })}</b>
        <span>{t('device.room', { free: memory(free) })}</span>
        {leastFreeBytes !== null && <span>{t('device.least', { free: memory(leastFreeBytes) })}</span>}
      </div>
      <div className="device-bar" aria-hidden="true">
        {shown.map(([who, bytes]) => (
          <i key={who} className={who} style={{ inlineSize: `${(100 * bytes) / total}%` }} />
        ))}
      </div>
      <div className="device-line num">
        {shown.map(([who, , text]) => (
          <span key={who} className="device-key">
            <i className={who} aria-hidden="true" />
            {text}
          </span>
        ))}
        {shared !== null && shared.usedBytes > 0 && (
          <span>
            {shared.totalBytes === null
              ? t('device.shared', { used: memory(shared.usedBytes) })
              : t('device.sharedOf', { used: memory(shared.usedBytes), total: memory(shared.totalBytes) })}
          </span>
        )}
      </div>
    </>
  )
}

function Figures({ device: { temperatureC, watts: power, limitWatts } }: { device: HardwareDevice }) {
  const figures = [
    temperatureC === null ? null : t('device.celsius', { n: Math.round(temperatureC) }),
    power === null
      ? limitWatts === null
        ? null
        : t('device.limit', { limit: watts(limitWatts) })
      : limitWatts === null
        ? t('device.watts', { watts: watts(power) })
        : t('device.wattsOf', { watts: watts(power), limit: watts(limitWatts) }),
  ].filter((figure) => figure !== null)
  return figures.length === 0 ? null : <div className="device-line num">{figures.join(' · ')}</div>
}

function Users({ name, users }: { name: string; users: NonNullable<HardwareDevice['users']> }) {
  const isCounted = users.some(({ sharedBytes }) => sharedBytes !== null)
  const figure = (bytes: number | null): string => (bytes === null ? '–' : memory(bytes))
  return (
    <Table
      caption={t('device.users', { name })}
      rows={users}
      rowKey={({ pid }) => String(pid)}
      columns={[
        {
          head: t('device.program'),
          cell: ({ pid, name: program, ours }) =>
            ours
              ? t('device.pid', { name: t('device.stoker'), pid: String(pid) })
              : program === ''
                ? t('device.nameless', { pid: String(pid) })
                : t('device.pid', { name: program, pid: String(pid) }),
        },
        { head: t('device.memory'), right: true, cell: ({ bytes }) => figure(bytes) },
        ...(isCounted
          ? [
              {
                head: t('device.mainMemory'),
                right: true,
                cell: ({ sharedBytes }: { sharedBytes: number | null }) => figure(sharedBytes),
              },
            ]
          : []),
      ]}
    />
  )
}

/** Heat, other programs' work, drivers that were lost: the newest of the record. */
function Befell() {
  const { rpc } = useCore()
  const stoppages = useQuery(rpc.app.stoppages.queryOptions())
  const events = (stoppages.data?.recorded ?? [])
    .filter(({ what }) => what.startsWith('device.'))
    .slice(0, EVENTS_SHOWN)
  if (events.length === 0) return null
  return (
    <>
      <h3 className="device-befell">{t('device.befell')}</h3>
      <ol className="device-events" aria-label={t('device.befell')}>
        {events.map(({ at, subject, reason }) => (
          <li key={`${at} ${subject} ${reason.code}`}>
            <time className="num" dateTime={new Date(at).toISOString()}>
              {moment(at)}
            </time>
            <span>{say(reason)}</span>
          </li>
        ))}
      </ol>
    </>
  )
}
