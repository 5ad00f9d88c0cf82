/** How far the first run got. Pure: the store keeps the one row. */
import type { Onboarding } from '#contract/app.ts'
import type { EpochMs } from '#contract/time.ts'

export const NEW_ONBOARDING: Onboarding = { step: 'welcome', skipped: false, startedAt: null, firstEarningAt: null }

export interface OnboardingChange {
  step?: Onboarding['step'] | undefined
  skipped?: boolean | undefined
}

/**
 * The first change starts the clock of the first run; going back a step is allowed, since the wizard can be walked
 * again.
 */
export function changeOnboarding(current: Onboarding, change: OnboardingChange, at: EpochMs): Onboarding {
  return {
    ...current,
    step: change.step ?? current.step,
    skipped: change.skipped ?? current.skipped,
    startedAt: current.startedAt ?? at,
  }
}

/** Sets the moment of the first earning once; later calls change nothing. */
export const withFirstEarning = (current: Onboarding, at: EpochMs): Onboarding =>
  current.firstEarningAt === null ? { ...current, firstEarningAt: at } : current
