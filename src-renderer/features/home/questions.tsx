/**
 * The three questions of a seller: what does a million tokens cost me, is my quality good enough, am I reliable enough?
 */
import type { Home } from '#contract/app.ts'
import { count, gradeName, percent, POWER, price, rate } from '#ui/format.ts'
import { LimitTrack } from '#ui/limit.tsx'
import { Tile } from '#ui/page.tsx'
import { verdictWord } from '#ui/pill.tsx'
import { duration } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useUnit } from '../../core-client.ts'

/**
 * In one currency the cost is drawn against the ask; a real cost beside practice credits is only said, never netted.
 */
export function CostCard({ home: { cost } }: { home: Home }) {
  const unit = useUnit()
  const comparable =
    unit.kind === 'money' &&
    unit.scale === POWER.scale &&
    cost.powerCurrency === unit.code &&
    cost.powerNanoPerMtok !== null &&
    cost.ask !== null
  const value = cost.powerNanoPerMtok === null ? 'not known yet' : rate(cost.powerNanoPerMtok, POWER)
  return (
    <Tile
      question="What does a million tokens cost me?"
      value={value}
      unit={cost.powerNanoPerMtok === null ? undefined : `${cost.powerCurrency} of electricity`}
      foot={
        <div className="row">
          <span>{cost.ask === null ? 'no ask yet' : `ask ${price(cost.ask, unit)} ${unit.name}`}</span>
          {cost.net !== null && <span>after fee {price(cost.net, unit)}</span>}
        </div>
      }
    >
      {comparable ? (
        <div style={{ marginTop: 10 }}>
          <LimitTrack
            min={0}
            max={(cost.ask?.output ?? 0) * 1.15}
            limit={cost.ask?.output ?? null}
            value={cost.powerNanoPerMtok}
          />
        </div>
      ) : (
        <p className="foot">
          {cost.method === '' ? 'Counted once a job has run and the price per kWh is set.' : cost.method}
        </p>
      )}
    </Tile>
  )
}

export function QualityCard({ home: { quality } }: { home: Home }) {
  const now = useNow()
  const none = quality.share === null || quality.instrument === null
  return (
    <Tile
      question="Is my quality good enough?"
      value={none ? 'no exam yet' : percent(quality.share ?? 0, 1)}
      unit={
        none
          ? undefined
          : `right, ${verdictWord(quality.verdict)} ${quality.floor === null ? '' : `(floor ${percent(quality.floor)})`}`
      }
      foot={
        <div className="row">
          <span>
            {none
              ? 'An exam takes about a minute with the bundled model.'
              : quality.limitedBy === null
                ? gradeName(quality.instrument ?? '')
                : `limited by ${quality.limitedBy}`}
          </span>
          {quality.validUntil !== null && <span>valid {duration(quality.validUntil - now)}</span>}
        </div>
      }
    >
      {!none && (
        <div style={{ marginTop: 10 }}>
          <LimitTrack
            min={0}
            max={1}
            limit={quality.floor}
            value={quality.share}
            low={quality.low}
            high={quality.high}
          />
        </div>
      )}
    </Tile>
  )
}

export function ReliabilityCard({ home: { reliability } }: { home: Home }) {
  const { errorRate, errorCeiling, jobs24h, failed24h, connectedShare24h } = reliability
  const none = errorRate === null
  return (
    <Tile
      question="Am I reliable enough?"
      value={none ? 'no jobs yet' : percent(1 - errorRate, 1)}
      unit={none ? undefined : `of ${count(jobs24h)} jobs delivered, 24 h`}
      foot={
        <div className="row">
          <span>
            {failed24h} failed{errorCeiling === null ? '' : `, ceiling ${percent(errorCeiling, 1)}`}
            {reliability.provisional ? ', provisional' : ''}
          </span>
          <span>{connectedShare24h === null ? 'never listed' : `connected ${percent(connectedShare24h, 1)}`}</span>
        </div>
      }
    >
      {!none && errorCeiling !== null && (
        <div style={{ marginTop: 10 }}>
          <LimitTrack
            min={0}
            max={Math.max(errorCeiling * 4, errorRate * 1.2)}
            limit={errorCeiling}
            value={errorRate}
          />
        </div>
      )}
    </Tile>
  )
}
