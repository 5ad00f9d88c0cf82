/** Which deployment sits an exam. Pure. */
import type { Exam } from '#contract/exams.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'

/**
 * An interrupted exam goes on with the deployment that began it, whatever is loaded now; a new one takes what is
 * loaded, else the first. Null: there is none.
 */
export function examDeployment(
  exam: Pick<Exam, 'state' | 'deploymentId'> | null,
  deployments: readonly Pick<Deployment, 'deploymentId' | 'state'>[],
): DeploymentId | null {
  if (exam?.state === 'interrupted') return exam.deploymentId
  return (deployments.find((each) => each.state === 'loaded') ?? deployments[0])?.deploymentId ?? null
}
