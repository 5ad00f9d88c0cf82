/** Takes a rig to the point where it sells: the bundled model deployed, examined and listed. */
import { resolve } from 'node:path'

import type { ContractRouterClient } from '@orpc/contract'

import { firstVenue, importModel, list, sitExam } from '#cli/demo/demo-loop.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { Contract } from '#contract/index.ts'

const NANO_GGUF = resolve(import.meta.dirname, '../../resources/models/nano.gguf')

/**
 * Error when the exam is not passed (about one seed in twenty turns a good model away; the exchange draws it at
 * random).
 */
export async function listNano(
  client: ContractRouterClient<Contract>,
  settings: { slots: number },
  path = NANO_GGUF,
): Promise<DeploymentId> {
  const model = await importModel(client, path)
  const { deploymentId } = await client.models.deploy({
    sha256: model.sha256,
    settings: { slots: settings.slots, threads: 1, gpuLayers: 0 },
  })
  const seller = { client, venueId: await firstVenue(client) }
  await sitExam(seller, deploymentId, () => undefined)
  await list(seller, deploymentId)
  return deploymentId
}
