/** The first run's steps. `hardware` is shown together with the welcome. Pure. */
import type { Onboarding } from '#contract/app.ts'

export const WELCOME_STEPS = ['welcome', 'power', 'model', 'exam', 'ask', 'earning'] as const
export type WelcomeStep = (typeof WELCOME_STEPS)[number]

export const WELCOME_STEP_NAMES: Readonly<Record<WelcomeStep, string>> = {
  welcome: 'Your machine',
  power: 'Electricity',
  model: 'Model',
  exam: 'Exam',
  ask: 'Ask',
  earning: 'First earning',
}

/** Where the wizard opens: the stored step; a finished one starts over. */
export const openAt = (stored: Onboarding['step']): WelcomeStep =>
  stored === 'hardware' || stored === 'done' ? 'welcome' : stored
