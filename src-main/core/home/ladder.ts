/**
 * Why am I (not) earning: rung by rung, from the ground up. Only the first rung that fails carries a fix: one thing at
 * a time.
 */
import type { Home } from '#contract/app.ts'
import { because, said, type Reason } from '#contract/reasons.ts'

import { gradedExam, qualificationOf, stoppedWhy, type HomeFacts } from './home-facts.ts'
import { limitOf, priceOf } from './home-sentence.ts'

type Rung = Home['ladder'][number]
type Plain = Omit<Rung, 'fix'> & { mend: NonNullable<Rung['fix']> }

/** How long ago, in the largest unit that still tells something. */
function seenAgo(ms: number): Reason {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return because('rung.seenSeconds', { seconds })
  return seconds < 7_200
    ? because('rung.seenMinutes', { minutes: Math.round(seconds / 60) })
    : because('rung.seenHours', { hours: Math.round(seconds / 3_600) })
}

const ENGINE_DOWN: ReadonlySet<HomeFacts['engine']['kind']> = new Set(['broken', 'backoff', 'silent'])

function engine({ engine: { kind, detail } }: HomeFacts): Plain {
  const codes = {
    stopped: 'rung.engineStopped',
    starting: 'rung.engineStarting',
    ready: 'rung.engineRunning',
    loaded: 'rung.engineRunning',
    silent: 'rung.engineSilent',
    backoff: 'rung.engineBackoff',
    broken: 'rung.engineBroken',
  } as const
  return {
    id: 'engine',
    state: ENGINE_DOWN.has(kind) ? 'no' : kind === 'starting' ? 'unknown' : 'yes',
    detail:
      detail === null
        ? because(codes[kind])
        : because(kind === 'loaded' ? 'reasons.both' : 'rung.because', { first: because(codes[kind]), rest: detail }),
    mend: 'models',
  }
}

function model({ models, modelsLost, deployment }: HomeFacts): Plain {
  const base = { id: 'model', mend: 'models' } as const
  if (models === 0)
    return { ...base, state: 'no', detail: because(modelsLost > 0 ? 'rung.modelsLost' : 'rung.noModel') }
  if (deployment === null || deployment.state === 'stopped')
    return { ...base, state: 'no', detail: because('rung.noneLoaded') }
  if (deployment.state === 'loading')
    return { ...base, state: 'unknown', detail: because('rung.loading', { model: deployment.modelName }) }
  return deployment.state === 'failed'
    ? { ...base, state: 'no', detail: deployment.detail ?? because('rung.loadFailed') }
    : { ...base, state: 'yes', detail: said(deployment.modelName) }
}

function online({ exchange, now }: HomeFacts): Plain {
  const seen = exchange.lastSeenAt === null ? because('rung.notSeen') : seenAgo(now - exchange.lastSeenAt)
  const state = exchange.kind === 'online' ? 'yes' : exchange.kind === 'connecting' ? 'unknown' : 'no'
  return {
    id: 'online',
    state,
    detail:
      exchange.detail === null || state === 'yes'
        ? seen
        : because('reasons.both', { first: exchange.detail, rest: seen }),
    mend: 'settings',
  }
}

function grade(facts: HomeFacts): Plain {
  const { qualified, exams, listing } = facts
  const [newest, graded] = [exams[0], gradedExam(facts)]
  const base = { id: 'grade', mend: 'exam' } as const
  const wanted = listing?.instrument
  const held = wanted === undefined ? qualified[0] : qualified.find((instrument) => instrument === wanted)
  const { state: until, until: at } = qualificationOf(facts)
  if (wanted !== undefined && newest?.state !== 'running' && until === 'over')
    return { ...base, state: 'no', detail: because('rung.gradeEnded', { instrument: wanted, until: at }) }
  if (wanted !== undefined && until === 'soon')
    return { ...base, state: 'yes', detail: because('rung.gradeEnds', { instrument: wanted, until: at }) }
  if (held !== undefined) return { ...base, state: 'yes', detail: said(held) }
  if (newest?.state === 'running')
    return { ...base, state: 'unknown', detail: because('rung.examRunning', { instrument: newest.instrument }) }
  if (graded?.state === 'not-reached')
    return {
      ...base,
      state: 'no',
      detail: because('rung.notReached', { instrument: graded.instrument, limit: limitOf(graded) }),
    }
  return { ...base, state: 'no', detail: because(graded === null ? 'rung.noExam' : 'rung.noQualification') }
}

function ask({ listing, unit }: HomeFacts): Plain {
  const base = { id: 'ask', mend: 'market' } as const
  if (listing === null) return { ...base, state: 'no', detail: because('rung.noAsk') }
  if (listing.state === 'refused') return { ...base, state: 'no', detail: listing.reason }
  const price = because('rung.price', { instrument: listing.instrument, price: priceOf(listing, { unit }) })
  return listing.state === 'waiting'
    ? { ...base, state: 'unknown', detail: because('rung.waiting', { price, reason: listing.reason }) }
    : { ...base, state: 'yes', detail: price }
}

function notPaused(facts: HomeFacts): Plain {
  const { listing } = facts
  const base = { id: 'not-paused', mend: 'market' } as const
  const stopped = stoppedWhy(facts)
  if (stopped !== null) return { ...base, state: 'no', detail: stopped }
  if (listing === null) return { ...base, state: 'unknown', detail: because('rung.nothingListed') }
  return listing.state === 'paused'
    ? { ...base, state: 'no', detail: listing.reason }
    : { ...base, state: 'yes', detail: because('rung.selling') }
}

function demand({ listing, demand, jobsLastHour, running }: HomeFacts): Plain {
  const base = { id: 'demand', mend: 'market' } as const
  if (running > 0 || jobsLastHour > 0)
    return {
      ...base,
      state: 'yes',
      detail: because('rung.jobsLastHour', { jobs: jobsLastHour, running }),
    }
  if (listing === null || demand === null)
    return {
      ...base,
      state: 'unknown',
      detail: because(listing === null ? 'rung.knownOnceListed' : 'rung.exchangeSilent'),
    }
  if (demand.jobsLastHour === 0 && demand.waiting === 0)
    return { ...base, state: 'no', detail: because('rung.nobodyAsked') }
  return {
    ...base,
    state: demand.cheaper > 0 ? 'no' : 'unknown',
    detail: because('rung.wentToOthers', { jobs: demand.jobsLastHour, cheaper: demand.cheaper }),
  }
}

export function climb(facts: HomeFacts): Rung[] {
  let mended = false
  return [engine, model, online, grade, ask, notPaused, demand].map((look) => {
    const { mend, ...rung } = look(facts)
    const fix = rung.state === 'no' && !mended ? mend : null
    mended ||= rung.state === 'no'
    return { ...rung, fix }
  })
}
