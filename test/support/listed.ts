/** Takes a running Stoker from nothing to a listing, as a seller would: bundled model, exam, ask. */
import { setTimeout as wait } from 'node:timers/promises'

import type { DeploymentId, Instrument } from '#contract/ids.ts'
import { brandId } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'

import type { Rig } from './rig.ts'
import { stoker } from './rig.ts'

export const TEXT_NANO = brandId<Instrument>('practice/text-nano')

/** Loads the bundled model; error when there is none. */
export async function deployBundled(rig: Rig, settings: { slots?: number } = {}): Promise<DeploymentId> {
  // It is registered (its header read, its hash taken) just after the start.
  let model = undefined
  for (let tries = 0; model === undefined && tries < 200; tries += 1) {
    if (tries > 0) await wait(100)
    model = (await rig.client.models.list()).find(({ bundled }) => bundled)
  }
  if (model === undefined) throw new Error('the bundled model is not listed after 20 s')
  return (await rig.client.models.deploy({ sha256: model.sha256, settings })).deploymentId
}

/** Sits the exam to its end and returns its verdict. */
export async function examine(rig: Rig, deploymentId: DeploymentId, instrument: Instrument = TEXT_NANO): Promise<string> {
  const { examId } = await rig.client.exams.start({ instrument, deploymentId })
  for await (const progress of await rig.client.exams.progress({ examId })) if (!['running', 'interrupted'].includes(progress.state)) return progress.state
  return (await rig.client.exams.get({ examId })).state
}

export async function listNano(rig: Rig, options: { slots?: number; askNanoPerMtok?: number } = {}): Promise<DeploymentId> {
  const deploymentId = await deployBundled(rig, options.slots === undefined ? {} : { slots: options.slots })
  const verdict = await examine(rig, deploymentId)
  if (verdict !== 'passed') throw new Error(`the exam ended ${verdict}`)
  await rig.client.market.list({ instrument: TEXT_NANO, deploymentId, askNanoPerMtok: nanoPerMtok(options.askNanoPerMtok ?? 400_000_000) })
  return deploymentId
}

export async function buyerKey(dir: string): Promise<string> {
  const { code, stdout, stderr } = await stoker(['buyer-key', '--data', dir])
  if (code !== 0) throw new Error(`buyer-key failed: ${stderr}`)
  return /sk-practice-\S+/.exec(stdout)![0]
}
