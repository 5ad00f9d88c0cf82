/** The first run's steps. `hardware` is shown together with the welcome. Pure. */
import type { Onboarding } from '#contract/app.ts'

export const STEPS = ['welcome', 'power', 'model', 'exam', 'ask', 'earning'] as const
export type Step = (typeof STEPS)[number]

export const STEP_NAMES: Readonly<Record<Step, string>> = {
  welcome: 'Your machine',
  power: 'Electricity',
  model: 'Model',
  exam: 'Exam',
  ask: 'Ask',
  earning: 'First earning',
}

/** Where the wizard opens: the stored step; a finished one starts over. */
export const openAt = (stored: Onboarding['step']): Step =>
  stored === 'hardware' || stored === 'done' ? 'welcome' : stored
