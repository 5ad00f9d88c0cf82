import { describe, expect, it } from 'vitest'

import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import { examDeployment } from '#ui/exam/exam-deployment.ts'

import { chosenModel } from '../../src-renderer/features/welcome/chosen.ts'

const dep = (id: string, state: 'loaded' | 'stopped') => ({ deploymentId: id as DeploymentId, state })
const model = (sha256: string, part: { bundled?: boolean; state?: 'ready' | 'missing'; fits?: 'yes' | 'no' } = {}) => ({
  sha256: sha256 as ModelSha256,
  state: part.state ?? ('ready' as const),
  bundled: part.bundled ?? false,
  memory: { fits: part.fits ?? ('yes' as const) },
})

describe('who sits an exam', () => {
  const deployments = [dep('dep_a', 'stopped'), dep('dep_b', 'loaded')]
  it('an interrupted exam goes on with its own deployment: another one would begin a new exam', () => {
    expect(examDeployment({ state: 'interrupted', deploymentId: 'dep_a' as DeploymentId }, deployments)).toBe('dep_a')
  })
  it('a new exam is sat by what is loaded, else by the first', () => {
    expect(examDeployment({ state: 'passed', deploymentId: 'dep_a' as DeploymentId }, deployments)).toBe('dep_b')
    expect(examDeployment(null, [dep('dep_a', 'stopped')])).toBe('dep_a')
    expect(examDeployment(null, [])).toBeNull()
  })
})

describe('the model of the first run', () => {
  it('is the bundled one as soon as it is known, also when the list was empty at first', () => {
    expect(chosenModel([], null)).toBeNull()
    expect(chosenModel([model('own'), model('bundled', { bundled: true })], null)).toBe('bundled')
  })
  it('stays what the owner picked, unless that can no longer be used', () => {
    const models = [model('own'), model('bundled', { bundled: true })]
    expect(chosenModel(models, 'own' as ModelSha256)).toBe('own')
    expect(
      chosenModel([model('own', { state: 'missing' }), model('bundled', { bundled: true })], 'own' as ModelSha256),
    ).toBe('bundled')
    expect(chosenModel([model('own', { fits: 'no' })], null)).toBeNull()
  })
})
