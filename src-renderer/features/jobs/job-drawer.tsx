/**
 * One job with everything that is known of it: timings, tokens, money, receipt, and what verifying it shows and does
 * not show.
 */
import { Button, Drawer } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import type { JobId } from '#contract/ids.ts'
import { POWER_CURRENCY_AT_FIRST } from '#contract/power-currencies.ts'
import type { Job, ReceiptDifference } from '#contract/jobs.ts'
import type { Receipt } from '#contract/receipt.ts'
import { amount, count, gradeName, percent, powerMoney, pricePerMillion, tokPerS, unitWord } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { Pill } from '#ui/pill.tsx'
import { saveText } from '#ui/save.ts'
import { speedOf } from '#ui/shown-speed.ts'
import { duration, moment } from '#ui/format-time.ts'
import { say } from '#ui/say.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { JobState, MONEY_WORDS, noTokens } from './columns.tsx'

type Detail = Job & {
  receipt: Receipt | null
  verified: { ok: boolean; shown: string[]; notShown: string[] } | null
  differences: ReceiptDifference[]
}

function Part({ title, facts }: { title: string; facts: readonly (readonly [string, ReactNode] | null)[] }) {
  return (
    <section aria-label={title} style={{ marginBottom: 18 }}>
      <h3 style={{ marginBottom: 6 }}>{title}</h3>
      <dl className="facts">
        {facts
          .filter((fact) => fact !== null)
          .map(([name, value]) => [<dt key={`${name}t`}>{name}</dt>, <dd key={name}>{value}</dd>])}
      </dl>
    </section>
  )
}

const orNone = <T,>(value: T | null, show: (value: T) => string): string => (value === null ? 'none' : show(value))

function timings(job: Job): (readonly [string, ReactNode] | null)[] {
  return [
    ['Started', moment(job.startedAt)],
    ['Ended', orNone(job.endedAt, moment)],
    ['First token', orNone(job.ttftMs, duration)],
    ['Whole job', orNone(job.durationMs, duration)],
    ['Speed', orNone(speedOf(job), tokPerS)],
    ['Finish', job.finish ?? 'not finished'],
  ]
}

function tokens(job: Detail): (readonly [string, ReactNode] | null)[] {
  return [
    [
      job.state === 'disputed' ? 'Counted' : 'Billed',
      job.inputTokens === null
        ? noTokens(job)
        : `${count(job.inputTokens)} in, ${count(job.outputTokens ?? 0)} out (bytes / 4, ${job.state === 'disputed' ? 'our own' : "the exchange's"} count)`,
    ],
    job.receipt !== null && job.state === 'disputed'
      ? [
          'Billed',
          `${count(job.receipt.billed.inputTokens)} in, ${count(job.receipt.billed.outputTokens)} out (the exchange's count, disputed)`,
        ]
      : null,
    [
      'Engine',
      job.enginePromptTokens === null
        ? 'not counted'
        : `${count(job.enginePromptTokens)} prompt, ${count(job.engineCachedTokens ?? 0)} cached, ${count(job.engineGeneratedTokens ?? 0)} generated (cost data, never billed)`,
    ],
  ]
}

function Money({ job, powerCurrency }: { job: Detail; powerCurrency: string }) {
  const unit = useUnit()
  const inUnit = (value: number): string => `${amount(value, unit)} ${unitWord(unit)}`
  return (
    <Part
      title="Money"
      facts={[
        ['Price', pricePerMillion(job.price, unit)],
        ['Gross', orNone(job.grossNano, inUnit)],
        [
          'Fee',
          job.feeNano === null
            ? 'none'
            : `${inUnit(job.feeNano)}${job.receipt === null ? '' : ` (${percent(job.receipt.feeBps / 10_000, 1)})`}`,
        ],
        ['Mine', job.sellerNano === null ? 'none' : <b>{inUnit(job.sellerNano)}</b>],
        [
          'Stands as',
          `${MONEY_WORDS[job.money]}${job.money === 'disputed' ? ': what the exchange says, in none of your sums' : ''}${job.money === 'held' && job.releaseAt !== null ? ` until ${moment(job.releaseAt)}` : ''}`,
        ],
        [
          'Electricity above idle',
          orNone(job.powerNano, (nano) => `${powerMoney(Math.round(nano), powerCurrency)}, real cost, not taken off`),
        ],
      ]}
    />
  )
}

function Proof({ job }: { job: Detail }) {
  const { receipt, verified } = job
  if (receipt === null) return <p className="sub">No receipt: the exchange signs one when a job is settled.</p>
  return (
    <>
      <Part
        title="Receipt"
        facts={[
          ['Number', `${count(receipt.seq)} in this rig's chain`],
          ['Settled', moment(receipt.settledAt)],
          [
            'Model',
            <span key="model" className="mono">
              {receipt.claim.modelSha256}
            </span>,
          ],
          [
            'Exchange key',
            <span key="exchange" className="mono">
              {receipt.exchange}
            </span>,
          ],
          [
            'Signature',
            <span key="sig" className="mono">
              {receipt.exchangeSig}
            </span>,
          ],
        ]}
      />
      <div className="btns" style={{ marginBottom: 18 }}>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            saveText(`${job.jobId}.receipt.json`, 'application/json', `${JSON.stringify(receipt, null, 2)}\n`)
          }
        >
          Save receipt
        </Button>
        <span className="age">
          check it offline: <code>npm run -s stoker -- verify receipt FILE</code>
        </span>
      </div>
      {verified !== null && (
        <section aria-label="Verification">
          <h3 style={{ marginBottom: 6 }}>
            Verification <Pill tone={verified.ok ? 'good' : 'bad'}>{verified.ok ? 'verified' : 'does not verify'}</Pill>
          </h3>
          <ul className="ladder">
            {verified.shown.map((line) => (
              <li key={line}>
                <span className="rung-label">shown</span>
                <span className="rung-detail">{line}</span>
              </li>
            ))}
            {verified.notShown.map((line) => (
              <li key={line}>
                <span className="rung-label">not shown</span>
                <span className="rung-detail">{line}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

export function JobDrawer({ jobId, onClose }: { jobId: string | null; onClose: () => void }) {
  const { rpc } = useCore()
  const { venueId, realm } = useVenue()
  const query = useQuery(
    rpc.jobs.get.queryOptions({ input: { venueId, jobId: (jobId ?? 'none') as JobId }, enabled: jobId !== null }),
  )
  const powerCurrency = useQuery(rpc.app.settings.queryOptions()).data?.powerCurrency ?? POWER_CURRENCY_AT_FIRST
  return (
    <Drawer opened={jobId !== null} onClose={onClose} title={jobId ?? ''}>
      <Loaded query={query} lines={8}>
        {(job) => (
          <>
            <p style={{ marginBottom: 14 }}>
              <JobState state={job.state} />{' '}
              <span className="sub">
                {gradeName(job.instrument)}, {realm}
                {job.reason === null ? '' : ` · ${say(job.reason)}`}
              </span>
            </p>
            <Part title="Timings" facts={timings(job)} />
            <Part title="Tokens" facts={tokens(job)} />
            <Money job={job} powerCurrency={powerCurrency} />
            <Proof job={job} />
          </>
        )}
      </Loaded>
    </Drawer>
  )
}
