/** One true sentence on what the rig is doing and why, and what to do next. The first state that holds decides. */
import type { Home } from '#contract/app.ts'
import type { ExamFacts } from '#core/core-context.ts'
import type { Listing } from '#contract/market.ts'
import { because, said, type Reason, type ReasonCode, type ReasonParam } from '#contract/reasons.ts'
import { isOnePrice } from '#contract/money.ts'
import { shownPrice } from '#core/earnings/index.ts'

import { qualificationOf, stoppedWhy, type HomeFacts } from './home-facts.ts'

export type Said = Pick<Home, 'sentence' | 'next' | 'nextPage'>

type Next = Extract<ReasonCode, `next.${string}`>
const tells = (sentence: Reason, next: Next | null = null, nextPage: Home['nextPage'] = null): Said => ({
  sentence,
  next: next === null ? null : because(next),
  nextPage,
})

/** A price with its unit; the number is exact, and written as the reader's locale writes it. */
export function priceOf({ ask }: Pick<Listing, 'ask'>, { unit }: Pick<HomeFacts, 'unit'>): Reason {
  const one = (price: number): Reason =>
    because('money.price', { price: shownPrice(price, unit.scale), currency: unit.code })
  if (isOnePrice(ask)) return one(ask.output)
  return because('money.prices', { input: one(ask.input), cached: one(ask.cachedInput), output: one(ask.output) })
}
const askOf = (facts: HomeFacts, listing: NonNullable<HomeFacts['listing']>): Reason =>
  because('money.ask', { instrument: listing.instrument, price: priceOf(listing, facts) })

/** While the first run is under way, what is next is its next step. */
function firstRun(facts: HomeFacts, other: Said): Said {
  const { step, skipped, startedAt, firstEarningAt } = facts.onboarding
  if (skipped || step === 'done' || firstEarningAt !== null) return other
  return {
    ...other,
    next: because(startedAt === null ? 'next.startFirstRun' : 'next.continueFirstRun'),
    nextPage: 'welcome',
  }
}

function listed(facts: HomeFacts, listing: NonNullable<HomeFacts['listing']>): Said {
  const ask = askOf(facts, listing)
  const { instrument, reason } = listing
  const { state: grade, until } = qualificationOf(facts)
  if (facts.running > 0)
    return grade === 'soon' || grade === 'over'
      ? tells(because('home.serving', { ask, running: facts.running }), 'next.takeExamAgain', 'exam')
      : tells(because('home.serving', { ask, running: facts.running }), 'next.seeEarned', 'earnings')
  // Paused is the owner's wish; everything else comes to nothing without a qualification.
  if (grade === 'over' && listing.state !== 'paused')
    return tells(because('home.qualificationOver', { instrument, until }), 'next.takeExamAgain', 'exam')
  switch (listing.state) {
    case 'paused':
      return tells(
        reason.code === 'listing.pausedByYou'
          ? because('home.paused', { instrument })
          : because('home.pausedWhy', { instrument, reason }),
        'next.resume',
        'market',
      )
    case 'refused':
      return tells(because('home.refused', { instrument, reason }), 'next.reviewAsk', 'market')
    case 'waiting':
      return tells(because('home.waiting', { ask, reason }), 'next.seeWaits', 'market')
    case 'listed': {
      if (grade === 'soon') return tells(because('home.listedEnds', { ask, until }), 'next.takeExamAgain', 'exam')
      if (facts.jobsLastHour > 0)
        return tells(because('home.listedBusy', { ask, jobs: facts.jobsLastHour }), 'next.seeTheyEarned', 'earnings')
      if (facts.demand !== null && facts.demand.cheaper > 0 && facts.demand.jobsLastHour > 0)
        return tells(because('home.listedDear', { ask, cheaper: facts.demand.cheaper }), 'next.reviewAsk', 'market')
      return tells(because('home.listedQuiet', { ask }), 'next.lookBook', 'market')
    }
  }
}

/** The latest exam where nothing is listed or qualified. */
function examined(facts: HomeFacts, exam: ExamFacts): Said | null {
  switch (exam.state) {
    case 'interrupted':
      return tells(because('home.examInterrupted', { instrument: exam.instrument }), 'next.goOnExam', 'exam')
    case 'cancelled':
      return tells(because('home.examStopped', { instrument: exam.instrument }), 'next.takeExam', 'exam')
    case 'not-reached':
      return tells(
        because('home.notReached', { instrument: exam.instrument, limit: limitOf(exam) }),
        'next.seeExam',
        'exam',
      )
    case 'undecided':
      return tells(because('home.undecided', { instrument: exam.instrument }), 'next.seeExam', 'exam')
    case 'passed':
      return tells(because('home.qualificationEnded', { instrument: exam.instrument }), 'next.takeExamAgain', 'exam')
    case 'running':
      return null
  }
}

/** The limit's name as the exam has it, or that there is one. */
export const limitOf = (exam: ExamFacts): ReasonParam => limitedBy(exam) ?? because('home.someLimit')

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
    return tells(because('home.noneLoaded'), 'next.loadModel', 'models')
  if (deployment.state === 'loading')
    return tells(
      deployment.detail === null
        ? because('home.loading', { model: deployment.modelName })
        : because('home.loadingHow', { model: deployment.modelName, detail: deployment.detail }),
    )
  if (deployment.state === 'failed')
    return tells(
      because('home.loadFailed', {
        model: deployment.modelName,
        reason: deployment.detail ?? because('home.engineSilent'),
      }),
      'next.openModels',
      'models',
    )
  return tells(because('home.noExam', { model: deployment.modelName }), 'next.takeExam', 'exam')
}

export function tell(facts: HomeFacts): Said {
  const { engine, exchange, listing, exams } = facts
  const exam = exams[0]
  const stopped = stoppedWhy(facts)
  const { stopped: all = null } = facts
  // Books that cannot be written are why money cannot be booked: the cause first.
  if (facts.unbooked !== null && all === null)
    return tells(because('home.unbooked', { problem: said(facts.unbooked) }), 'next.checkBooks', 'settings')
  if (listing !== null && stopped !== null)
    return tells(
      because('home.stopped', { instrument: listing.instrument, reason: stopped }),
      'next.seeStopped',
      'market',
    )
  if (all !== null) return tells(because('home.storage', { trouble: all }))
  if (engine.kind === 'broken')
    return tells(
      engine.detail === null
        ? because('home.engineBroken')
        : because('home.engineBrokenWhy', { reason: engine.detail }),
      'next.startEngine',
      'models',
    )
  if (facts.models === 0 && facts.modelsLost > 0)
    return tells(because('home.modelsLost', { count: facts.modelsLost }), 'next.openModels', 'models')
  if (facts.models === 0 && facts.modelsComing) return firstRun(facts, tells(because('home.readingModel')))
  if (facts.models === 0) return firstRun(facts, tells(because('home.noModel'), 'next.addModel', 'models'))
  if (exchange.kind === 'offline' || exchange.kind === 'stopped') {
    const wasListed = listing === null ? 'no' : 'yes'
    return tells(
      exchange.detail === null
        ? because('home.exchangeAway', { listed: wasListed })
        : because('home.exchangeAwayWhy', { listed: wasListed, reason: exchange.detail }),
      exchange.kind === 'offline' ? (exchange.cause === 'credential' ? 'next.takeOver' : 'next.keepsTrying') : null,
    )
  }
  if (exam?.state === 'running' && facts.running === 0)
    return firstRun(facts, tells(because('home.takingExam', { instrument: exam.instrument }), 'next.watchExam', 'exam'))
  if (listing !== null)
    return engine.kind === 'backoff' && facts.running === 0
      ? tells(because('home.engineBack', { instrument: listing.instrument }))
      : listed(facts, listing)
  const [grade] = facts.qualified
  if (grade !== undefined)
    return firstRun(facts, tells(because('home.qualified', { instrument: grade }), 'next.setAsk', 'market'))
  return firstRun(facts, (exam === undefined ? null : examined(facts, exam)) ?? prepared(facts))
}
