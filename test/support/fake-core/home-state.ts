/** What a Fake rig shows of itself: its live values and its home page. */
import { because, said, type Reason } from '#contract/reasons.ts'
import type { Home, Live } from '#contract/app.ts'
import type { JobId } from '#contract/ids.ts'
import { onePrice, type Nano, type NanoPerMtok } from '#contract/money.ts'

import { VENUE } from '../venue.ts'
import { series } from './series.ts'
import { ASK, NANO_GRADE } from './state.ts'

export function liveNow(full: boolean, now: number): Live {
  const running = full
    ? [0, 1].map((index) => ({
        venueId: VENUE,
        jobId: `job_7q2f${index}k3m8x1w5t6y9p2a4` as JobId,
        instrument: NANO_GRADE,
        startedAt: now - 900,
        inputTokens: 42 + index * 17,
        outputTokens: 18 + index * 4,
        ttftMs: index === 0 ? 24 : null,
        tokPerS: index === 0 ? 54.2 : null,
        sellerNano: (24_600 + index * 4_100) as Nano,
        exam: false,
      }))
    : []
  return {
    at: now,
    engine: full
      ? { kind: 'loaded', model: 'Stoker nano', models: 1, detail: null }
      : { kind: 'ready', model: null, models: 0, detail: null },
    venues: [
      {
        venueId: VENUE,
        kind: 'online',
        lastSeenAt: now - 400,
        detail: null,
        cause: null,
        listing: full ? 'listed' : 'none',
      },
    ],
    tokPerS: full ? 106.4 : 0,
    running,
    watts: {
      value: full ? 168 : 61,
      method: full ? 'read from the GPU (NVML)' : 'estimate: 16 cores × 8 W + 75 W serving, 30 % idle',
      at: now,
    },
  }
}

export function home(full: boolean, now: number, zone: string): Home {
  const { range, summary } = series(full, { span: 'today', zone, by: 'instrument' }, now)
  const rung = (
    id: Home['ladder'][number]['id'],
    ok: boolean,
    yes: Reason,
    no: Reason,
    fix: Home['ladder'][number]['fix'],
  ): Home['ladder'][number] => ({
    id,
    state: ok ? 'yes' : 'no',
    detail: ok ? yes : no,
    fix,
  })
  return {
    at: now,
    venueId: VENUE,
    realm: 'practice',
    currency: 'PCR',
    sentence: full
      ? because('home.serving', {
          ask: because('money.ask', {
            instrument: 'text-nano',
            price: because('money.price', { price: '0.41', currency: 'PCR' }),
          }),
          running: 2,
        })
      : because('home.noneLoaded'),
    next: because(full ? 'next.seeEarned' : 'next.loadModel'),
    nextPage: full ? 'market' : 'models',
    cost: {
      powerNanoPerMtok: full ? (187_400_000 as Nano) : null,
      method: full ? 'measured over 1,204 jobs, 168 W (NVML) at 0.28 EUR a kWh' : '',
      ask: full ? onePrice(ASK) : null,
      net: full ? onePrice(389_500_000 as NanoPerMtok) : null,
      powerCurrency: 'EUR',
    },
    quality: full
      ? {
          instrument: NANO_GRADE,
          share: 82 / 96,
          low: 0.741,
          high: 0.928,
          floor: 0.7,
          verdict: 'passed',
          limitedBy: 'throughput, all slots',
          validUntil: now + 23 * 86_400_000,
        }
      : {
          instrument: null,
          share: null,
          low: null,
          high: null,
          floor: null,
          verdict: 'none',
          limitedBy: null,
          validUntil: null,
        },
    reliability: full
      ? {
          jobs24h: 1_204,
          failed24h: 2,
          errorRate: 2 / 1_204,
          errorCeiling: 0.01,
          provisional: false,
          connectedShare24h: 0.9994,
        }
      : { jobs24h: 0, failed24h: 0, errorRate: null, errorCeiling: null, provisional: true, connectedShare24h: null },
    today: {
      since: range.from,
      zone: range.zone,
      availableNano: summary.availableNano,
      heldNano: summary.heldNano,
      powerNano: summary.powerNano ?? (0 as Nano),
      jobs: summary.jobs,
    },
    ladder: [
      rung('online', true, because('rung.seenSeconds', { seconds: 4 }), said(''), null),
      rung('model', full, said('Stoker nano Q8_0'), because('rung.noneLoaded'), 'models'),
      rung('grade', full, said('text-nano'), because('rung.noExam'), 'exam'),
      rung('ask', full, because('rung.selling'), because('rung.nothingListed'), 'market'),
      {
        id: 'demand',
        state: full ? 'yes' : 'unknown',
        detail: full ? because('rung.jobsLastHour', { jobs: 38, running: 2 }) : because('rung.knownOnceListed'),
        fix: null,
      },
      rung('not-paused', true, because('rung.selling'), said(''), null),
    ],
  }
}
