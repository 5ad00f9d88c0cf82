/** One true sentence on what the rig is doing and why, and what to do next. The first state that holds decides. */
import type { Home } from '#contract/app.ts'
import type { ExamFacts } from '#core/core-context.ts'
import { priceInWords } from '#core/earnings/index.ts'

import type { HomeFacts } from './home-facts.ts'

export type Said = Pick<Home, 'sentence' | 'next' | 'nextPage'>

const said = (sentence: string, next = '', nextPage: Home['nextPage'] = null): Said => ({ sentence, next, nextPage })
const full = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
export const jobsInWords = (count: number): string => (count === 1 ? 'one job' : `${count} jobs`)
const running = (count: number): string => (count === 1 ? 'One job running' : `${count} jobs running`)

const askInWords = (facts: HomeFacts, listing: NonNullable<HomeFacts['listing']>): string =>
  `${listing.instrument} at ${priceInWords(listing.ask, facts.unit)} per million tokens`

/** While the first run is under way, what is next is its next step. */
function firstRun(facts: HomeFacts, other: Said): Said {
  const { step, skipped, startedAt, firstEarningAt } = facts.onboarding
  if (skipped || step === 'done' || firstEarningAt !== null) return other
  return { ...other, next: startedAt === null ? 'Start the first run' : 'Continue the first run', nextPage: 'welcome' }
}

function listed(facts: HomeFacts, listing: NonNullable<HomeFacts['listing']>): Said {
  const ask = askInWords(facts, listing)
  if (facts.running > 0) return said(`Serving ${ask}. ${running(facts.running)}.`, 'See what it has earned', 'earnings')
  switch (listing.state) {
    case 'paused':
      return said(`Paused by you: ${listing.instrument} is not offered to buyers.`, 'Resume the listing', 'market')
    case 'refused':
      return said(`The exchange refused ${listing.instrument}: ${full(listing.reason)}`, 'Review the ask', 'market')
    case 'waiting':
      return said(`The ask for ${ask} waits: ${full(listing.reason)}`, 'See what it waits for', 'market')
    case 'listed': {
      if (facts.jobsLastHour > 0)
        return said(
          `Listed: ${ask}. Waiting for the next job; ${jobsInWords(facts.jobsLastHour)} in the last hour.`,
          'See what they earned',
          'earnings',
        )
      if (facts.demand !== null && facts.demand.cheaper > 0 && facts.demand.jobsLastHour > 0)
        return said(
          `Listed: ${ask}, but ${facts.demand.cheaper} cheaper ${facts.demand.cheaper === 1 ? 'seller gets' : 'sellers get'} the jobs.`,
          'Review the ask',
          'market',
        )
      return said(`Listed: ${ask}. Nobody bought in the last hour.`, 'Look at the book', 'market')
    }
  }
}

/** The latest exam where nothing is listed or qualified. */
function examined(facts: HomeFacts, exam: ExamFacts): Said | null {
  switch (exam.state) {
    case 'interrupted':
      return said(
        `The exam for ${exam.instrument} was interrupted; what was done is kept.`,
        'Go on with the exam',
        'exam',
      )
    case 'cancelled':
      return said(`The exam for ${exam.instrument} was stopped, so nothing can be listed yet.`, 'Take the exam', 'exam')
    case 'not-reached':
      return said(
        `${exam.instrument} was not reached: ${limitedBy(exam) ?? 'a limit'} is below its floor.`,
        'See the exam',
        'exam',
      )
    case 'undecided':
      return said(
        `The exam for ${exam.instrument} ended undecided: too close to a floor to tell.`,
        'See the exam',
        'exam',
      )
    case 'passed':
      return said(`The qualification for ${exam.instrument} has ended.`, 'Take the exam again', 'exam')
    case 'running':
      return null
  }
}

/** Which limit decides: the first one not reached, else the one with the least room above its floor. */
export function limitedBy(exam: ExamFacts): string | null {
  const missed = exam.limits.find((limit) => limit.state === 'not-reached')
  if (missed !== undefined) return missed.name
  const counted = exam.limits.filter((limit) => limit.n > 0)
  return counted.length === 0
    ? null
    : counted.reduce((least, limit) => (limit.low - limit.floor < least.low - least.floor ? limit : least)).name
}

function prepared(facts: HomeFacts): Said {
  const { deployment } = facts
  if (deployment === null || deployment.state === 'stopped')
    return said('A model is here, but none is loaded, so nothing can be sold.', 'Load a model', 'models')
  if (deployment.state === 'loading')
    return said(`Loading ${deployment.modelName}.${deployment.detail === null ? '' : ` ${full(deployment.detail)}`}`)
  if (deployment.state === 'failed')
    return said(
      `${deployment.modelName} could not be loaded: ${full(deployment.detail ?? 'the engine did not say why')}`,
      'Open models',
      'models',
    )
  return said(
    `${deployment.modelName} is loaded and has not taken an exam, so nothing can be sold yet.`,
    'Take the exam',
    'exam',
  )
}

export function tell(facts: HomeFacts): Said {
  const { engine, exchange, listing, exams } = facts
  const exam = exams[0]
  if (facts.unbooked !== null)
    return said(
      `The exchange’s records cannot all be booked (${facts.unbooked.replace(/\.$/, '')}).`,
      'Check the books: they say what to do',
      'settings',
    )
  if (engine.kind === 'broken')
    return said(
      `The engine has stopped after repeated crashes and serves nothing.${engine.detail === null ? '' : ` ${full(engine.detail)}`}`,
      'Start the engine again',
      'models',
    )
  if (facts.models === 0 && facts.modelsLost > 0)
    return said(
      `${facts.modelsLost === 1 ? 'The model file is' : `All ${facts.modelsLost} model files are`} gone or changed, so there is nothing to sell.`,
      'Open models',
      'models',
    )
  if (facts.models === 0 && facts.modelsComing)
    return firstRun(facts, said('Reading the model that comes with Stoker.'))
  if (facts.models === 0)
    return firstRun(facts, said('There is no model here yet, so there is nothing to sell.', 'Add a model', 'models'))
  if (exchange.kind === 'offline' || exchange.kind === 'stopped') {
    const why = exchange.detail === null ? '' : ` (${exchange.detail.replace(/\.$/, '')})`
    return said(
      `The exchange cannot be reached${why}${listing === null ? '.' : ', so no jobs come in.'}`,
      exchange.kind === 'offline' ? 'Nothing to do: Stoker keeps trying' : '',
    )
  }
  if (exam?.state === 'running' && facts.running === 0)
    return firstRun(facts, said(`Taking the exam for ${exam.instrument}.`, 'Watch the exam', 'exam'))
  if (listing !== null)
    return engine.kind === 'backoff' && facts.running === 0
      ? said(`The engine crashed and starts again; ${listing.instrument} stays listed.`)
      : listed(facts, listing)
  const [grade] = facts.qualified
  if (grade !== undefined)
    return firstRun(facts, said(`Qualified for ${grade}, but not listed: nobody can buy yet.`, 'Set an ask', 'market'))
  return firstRun(facts, (exam === undefined ? null : examined(facts, exam)) ?? prepared(facts))
}
