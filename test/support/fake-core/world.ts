/** What one Fake core remembers while it runs, and how its procedures answer. */
import { said } from '#contract/reasons.ts'
import { implement, ORPCError } from '@orpc/server'

import type { Onboarding, OwnUse, Settings } from '#contract/app.ts'
import type { Exam } from '#contract/exams.ts'
import { contract } from '#contract/index.ts'
import type { Listing } from '#contract/market.ts'
import type { CalibrationView, Deployment } from '#contract/models.ts'

import type { EarnedYear } from '../earned-year.ts'
import type { Scenario } from './state.ts'

export const failure = (
  code: string,
  message: string,
  data: Record<string, number> = {},
): ORPCError<'STOKER', unknown> =>
  new ORPCError('STOKER', { status: 400, message, data: { code, reason: said(message), data } })

export interface FakeCoreOptions {
  scenario: Scenario
  contractHash?: string
  onboarding?: Onboarding
  examRunning?: boolean
  /** Paused a moment ago, with two accepted jobs still being finished. */
  draining?: boolean
  /** Stoker itself stopped the sale, and core dumps are on. */
  stopped?: boolean
  theme?: Settings['theme']
  /** Ends the accepted jobs of a paused or withdrawn listing. */
  jobsDone?: AbortSignal
  /** The time that income is cut at; the machine's by default. */
  earnedAt?: () => number
  /** Books that are read in place of the invented series, in their own unit. */
  year?: EarnedYear
  /** Waited for before every answer of earnings.series. */
  seriesAfter?: () => Promise<void>
}

export interface World {
  full: boolean
  earnedAt: () => number
  settings: Settings
  onboarding: Onboarding
  listings: Listing[]
  deployments: Deployment[]
  ownUse: OwnUse
  calibrations: CalibrationView[]
  /** Accepted and not done: what a pause leaves to be finished. */
  accepted: number
  microState: Exam['state']
  nanoState: Exam['state']
}

export const os = implement(contract)
