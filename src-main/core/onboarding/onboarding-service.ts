/** What the first run offers screens and other domains. */
import type { Onboarding } from '#contract/app.ts'

import type { OnboardingChange } from './onboarding.ts'

export interface OnboardingService {
  current(): Onboarding
  change(change: OnboardingChange): Onboarding
}
