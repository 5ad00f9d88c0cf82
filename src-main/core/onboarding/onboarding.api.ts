import type { Os } from '#core/os.ts'

import type { OnboardingService } from './onboarding-service.ts'

export const onboardingApi = (os: Os, onboarding: OnboardingService) => ({
  onboarding: os.app.onboarding.handler(() => onboarding.current()),
  updateOnboarding: os.app.updateOnboarding.handler(({ input }) => onboarding.change(input)),
})
