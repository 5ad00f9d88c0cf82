import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createOnboarding } from '#core/onboarding/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const all = { context: { scopes: ALL_SCOPES } }
let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => rig.dispose())

describe('first run', () => {
  it('resumes at the step it was left, with the time of its first step', async () => {
    const startedAt = rig.clock.now()
    const first = createOnboarding(rig)
    expect(first.current()).toEqual({ step: 'welcome', skipped: false, startedAt: null, firstEarningAt: null })
    await call(first.api.updateOnboarding, { step: 'power' }, all)
    await rig.clock.advance(60_000)
    await call(first.api.updateOnboarding, { step: 'model' }, all)
    expect(createOnboarding(rig).current()).toEqual({ step: 'model', skipped: false, startedAt, firstEarningAt: null })
  })

  it('can be skipped, and taken up again', () => {
    const onboarding = createOnboarding(rig)
    expect(onboarding.change({ skipped: true }).skipped).toBe(true)
    expect(onboarding.change({ skipped: false, step: 'hardware' })).toMatchObject({ skipped: false, step: 'hardware' })
  })

  it('keeps the first earning, whatever is told later or after a restart', () => {
    const onboarding = createOnboarding(rig)
    onboarding.markFirstEarning(1_000)
    onboarding.markFirstEarning(2_000)
    createOnboarding(rig).markFirstEarning(3_000)
    expect(createOnboarding(rig).current().firstEarningAt).toBe(1_000)
    expect(rig.changes).toEqual(['onboarding'])
  })
})
