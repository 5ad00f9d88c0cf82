/**
 * Why am I (not) earning: rung by rung, from the ground up. Only the first rung that fails carries a fix: one thing at
 * a time.
 */
import type { Home } from '#contract/app.ts'
import { priceInWords } from '#core/earnings/index.ts'

import { gradedExam, type HomeFacts } from './home-facts.ts'
import { jobsInWords, limitedBy } from './home-sentence.ts'

type Rung = Home['ladder'][number]
type Plain = Omit<Rung, 'fix'> & { mend: NonNullable<Rung['fix']> }

const ago = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`
}

function engine({ engine: { kind, detail } }: HomeFacts): Plain {
  const words = {
    stopped: 'not started: it starts with a model',
    starting: 'starting',
    ready: 'running',
    loaded: 'running',
    backoff: 'crashed, starts again',
    broken: 'stopped after repeated crashes',
  } as const
  return {
    id: 'engine',
    label: 'Engine works',
    state: kind === 'broken' || kind === 'backoff' ? 'no' : kind === 'starting' ? 'unknown' : 'yes',
    detail: detail === null ? words[kind] : `${words[kind]}${kind === 'loaded' ? ';' : ':'} ${detail}`,
    mend: 'models',
  }
}

function model({ models, modelsLost, deployment }: HomeFacts): Plain {
  const base = { id: 'model', label: 'Model loaded', mend: 'models' } as const
  if (models === 0)
    return { ...base, state: 'no', detail: modelsLost > 0 ? 'model files gone or changed' : 'no model yet' }
  if (deployment === null || deployment.state === 'stopped') return { ...base, state: 'no', detail: 'none is loaded' }
  if (deployment.state === 'loading') return { ...base, state: 'unknown', detail: `${deployment.modelName} is loading` }
  return deployment.state === 'failed'
    ? { ...base, state: 'no', detail: deployment.detail ?? 'loading failed' }
    : { ...base, state: 'yes', detail: deployment.modelName }
}

function online({ exchange, now }: HomeFacts): Plain {
  const seen = exchange.lastSeenAt === null ? 'not seen yet' : `seen ${ago(now - exchange.lastSeenAt)}`
  const state = exchange.kind === 'online' ? 'yes' : exchange.kind === 'connecting' ? 'unknown' : 'no'
  return {
    id: 'online',
    label: 'Exchange reached',
    state,
    detail: exchange.detail === null || state === 'yes' ? seen : `${exchange.detail}; ${seen}`,
    mend: 'settings',
  }
}

function grade(facts: HomeFacts): Plain {
  const { qualified, exams, listing } = facts
  const [newest, graded] = [exams[0], gradedExam(facts)]
  const base = { id: 'grade', label: 'Grade valid', mend: 'exam' } as const
  const wanted = listing?.instrument
  const held = wanted === undefined ? qualified[0] : qualified.find((instrument) => instrument === wanted)
  if (held !== undefined) return { ...base, state: 'yes', detail: held }
  if (newest?.state === 'running')
    return { ...base, state: 'unknown', detail: `exam for ${newest.instrument} is running` }
  if (graded?.state === 'not-reached')
    return { ...base, state: 'no', detail: `${graded.instrument} not reached: ${limitedBy(graded) ?? 'a limit'}` }
  return { ...base, state: 'no', detail: graded === null ? 'no exam taken' : 'no valid qualification' }
}

function ask({ listing, unit }: HomeFacts): Plain {
  const base = { id: 'ask', label: 'Listed at an ask', mend: 'market' } as const
  if (listing === null) return { ...base, state: 'no', detail: 'no ask set' }
  if (listing.state === 'refused') return { ...base, state: 'no', detail: listing.reason }
  const price = `${listing.instrument} at ${priceInWords(listing.ask, unit)}`
  return listing.state === 'waiting'
    ? { ...base, state: 'unknown', detail: `${price}, waiting: ${listing.reason}` }
    : { ...base, state: 'yes', detail: price }
}

function notPaused({ listing }: HomeFacts): Plain {
  const base = { id: 'not-paused', label: 'Not paused', mend: 'market' } as const
  if (listing === null) return { ...base, state: 'unknown', detail: 'nothing listed' }
  return listing.state === 'paused'
    ? { ...base, state: 'no', detail: 'paused by you' }
    : { ...base, state: 'yes', detail: 'selling' }
}

function demand({ listing, demand, jobsLastHour, running }: HomeFacts): Plain {
  const base = { id: 'demand', label: 'Buyers there', mend: 'market' } as const
  if (running > 0 || jobsLastHour > 0)
    return {
      ...base,
      state: 'yes',
      detail: `${jobsInWords(jobsLastHour)} in the last hour${running > 0 ? `, ${running} running` : ''}`,
    }
  if (listing === null || demand === null)
    return {
      ...base,
      state: 'unknown',
      detail: listing === null ? 'known once you are listed' : 'the exchange has not said',
    }
  if (demand.jobsLastHour === 0 && demand.waiting === 0)
    return { ...base, state: 'no', detail: 'nobody asked in the last hour' }
  return {
    ...base,
    state: demand.cheaper > 0 ? 'no' : 'unknown',
    detail: `${jobsInWords(demand.jobsLastHour)} went to others in the last hour${demand.cheaper > 0 ? `; ${demand.cheaper} asked less` : ''}`,
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
