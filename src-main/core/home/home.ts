/**
 * Home from plain facts: sentence, three questions, today, ladder. Practice money and real electricity are never
 * netted.
 */
import type { Home } from '#contract/app.ts'
import type { Instrument } from '#contract/ids.ts'
import { netPrice } from '#contract/money.ts'

import { gradedExam, type HomeFacts } from './home-facts.ts'
import { climb } from './ladder.ts'
import { limitedBy, tell } from './home-sentence.ts'

/** docs/exam.md and the grade specs call an error rate provisional below so many jobs. */
const JOBS_FOR_A_RATE = 300

function cost({ listing, feeBps, power }: HomeFacts): Home['cost'] {
  const ask = listing?.ask ?? null
  const net = ask === null || feeBps === null ? null : netPrice(ask, feeBps)
  return {
    powerNanoPerMtok: power.nanoPerMtok,
    method: power.method,
    ask,
    net,
    powerCurrency: power.currency,
  }
}

function quality(facts: HomeFacts): Home['quality'] {
  const exam = gradedExam(facts)
  if (exam === null)
    return {
      instrument: null,
      share: null,
      low: null,
      high: null,
      floor: null,
      verdict: 'none',
      limitedBy: null,
      validUntil: null,
    }
  const limit = exam.limits.find(({ name }) => name === 'intelligence')
  const counted = limit !== undefined && limit.n > 0
  const verdict =
    exam.state === 'passed' || exam.state === 'not-reached' || exam.state === 'undecided' ? exam.state : 'none'
  return {
    instrument: exam.instrument,
    share: counted ? limit.k / limit.n : null,
    low: counted ? limit.low : null,
    high: counted ? limit.high : null,
    floor: limit?.floor ?? null,
    verdict,
    limitedBy: verdict === 'none' ? null : limitedBy(exam),
    validUntil: exam.validUntil,
  }
}

/** The spec a share of failures is judged by: of what is listed, else of what was examined, else the first. */
function specOf(facts: HomeFacts) {
  const { specs, listing } = facts
  const wanted: Instrument | null = listing?.instrument ?? gradedExam(facts)?.instrument ?? null
  return specs.find((spec) => spec.instrument === wanted) ?? specs[0] ?? null
}

function reliability(facts: HomeFacts): Home['reliability'] {
  const { jobs, failed } = facts.jobs24h
  const all = jobs + failed
  return {
    jobs24h: jobs,
    failed24h: failed,
    errorRate: all === 0 ? null : failed / all,
    errorCeiling: specOf(facts)?.limits.errorRateCeiling ?? null,
    provisional: all < JOBS_FOR_A_RATE || (specOf(facts)?.provisional ?? true),
    connectedShare24h: facts.connectedShare24h,
  }
}

export function composeHome(facts: HomeFacts): Home {
  return {
    at: facts.now,
    venueId: facts.venueId,
    realm: facts.realm,
    currency: facts.unit.code,
    ...tell(facts),
    cost: cost(facts),
    quality: quality(facts),
    reliability: reliability(facts),
    today: facts.today,
    ladder: climb(facts),
  }
}
