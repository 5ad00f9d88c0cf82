/** The first run: resumable, skippable, and done by the first earning. */
import type { Onboarding } from '#contract/app.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'

import { onboardingApi } from './onboarding.api.ts'
import { readOnboarding, writeOnboarding } from './onboarding.store.ts'
import type { OnboardingService } from './onboarding-service.ts'
import { changeOnboarding, NEW_ONBOARDING, withFirstEarning } from './onboarding.ts'

export type { OnboardingService } from './onboarding-service.ts'

export type OnboardingContext = Pick<CoreContext, 'os' | 'rigDb' | 'clock' | 'events'>

export function createOnboarding(context: OnboardingContext) {
  const update = (work: (current: Onboarding) => Onboarding): Onboarding => {
    const { before, after } = context.rigDb.tx((db) => {
      const before = readOnboarding(db) ?? NEW_ONBOARDING
      const after = work(before)
      if (after !== before) writeOnboarding(db, after)
      return { before, after }
    })
    if (after !== before) context.events.changed('onboarding')
    return after
  }
  /** Known to have been set: spares the write lock on every later job. */
  let earned = false
  const service: OnboardingService = {
    current: () => readOnboarding(context.rigDb.read) ?? NEW_ONBOARDING,
    change: (change) => update((current) => changeOnboarding(current, change, context.clock.now())),
  }
  return {
    ...service,
    api: onboardingApi(context.os, service),
    /** Called for every settled job, after its commit (this is another database); only the first one counts. */
    markFirstEarning(at: EpochMs): void {
      if (earned) return
      update((current) => withFirstEarning(current, at))
      earned = true
    },
  }
}
