/**
 * The three questions of a seller: what does a million tokens cost me, is my quality good enough, am I reliable enough?
 */
import type { Home } from '#contract/app.ts'
import { count, gradeName, percent, POWER, price, rate, unitWord } from '#ui/format.ts'
import { LimitTrack } from '#ui/limit.tsx'
import { Tile } from '#ui/page.tsx'
import { verdictWord } from '#ui/pill.tsx'
import { duration } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'
import { t } from '#ui/say.ts'

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
  const value = cost.powerNanoPerMtok === null ? t('question.unknown') : rate(cost.powerNanoPerMtok, POWER)
  return (
    <Tile
      question={t('question.cost')}
      value={value}
      unit={cost.powerNanoPerMtok === null ? undefined : t('question.ofElectricity', { unit: cost.powerCurrency })}
      foot={
        <div className="row">
          <span>
            {cost.ask === null
              ? t('question.noAsk')
              : t('question.ask', { price: price(cost.ask, unit), unit: unitWord(unit) })}
          </span>
          {cost.net !== null && <span>{t('question.afterFee', { price: price(cost.net, unit) })}</span>}
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
        <p className="foot">{cost.method === '' ? t('question.counted') : cost.method}</p>
      )}
    </Tile>
  )
}

export function QualityCard({ home: { quality } }: { home: Home }) {
  const now = useNow()
  const none = quality.share === null || quality.instrument === null
  return (
    <Tile
      question={t('question.quality')}
      value={none ? t('question.noExam') : percent(quality.share ?? 0, 1)}
      unit={
        none
          ? undefined
          : quality.floor === null
            ? t('question.right', { verdict: verdictWord(quality.verdict) })
            : t('question.rightFloor', { verdict: verdictWord(quality.verdict), floor: percent(quality.floor) })
      }
      foot={
        <div className="row">
          <span>
            {none
              ? t('question.examTakes')
              : quality.limitedBy === null
                ? gradeName(quality.instrument ?? '')
                : t('question.limitedBy', { limit: quality.limitedBy })}
          </span>
          {quality.validUntil !== null && (
            <span>{t('question.valid', { duration: duration(quality.validUntil - now) })}</span>
          )}
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
      question={t('question.reliable')}
      value={none ? t('question.noJobs') : percent(1 - errorRate, 1)}
      unit={none ? undefined : t('question.delivered', { jobs: count(jobs24h) })}
      foot={
        <div className="row">
          <span>
            {t('question.failed', { failed: count(failed24h) })}
            {errorCeiling === null ? '' : t('question.ceiling', { share: percent(errorCeiling, 1) })}
            {reliability.provisional ? t('question.provisional') : ''}
          </span>
          <span>
            {connectedShare24h === null
              ? t('question.neverListed')
              : t('question.connected', { share: percent(connectedShare24h, 1) })}
          </span>
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
