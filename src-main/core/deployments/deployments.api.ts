import type { HandBack } from '#core/core-context.ts'
import type { Os } from '#core/os.ts'

import type { DeploymentCalls } from './deployment-calls.ts'
import type { CalibrationStep, MeasureCalls } from './measure-call.ts'
import type { RemoteCalls } from './remote-calls.ts'

export const deploymentsApi = (
  os: Os,
  deployments: DeploymentCalls & MeasureCalls & RemoteCalls,
  handBack: HandBack,
) => ({
  deployments: os.models.deployments.handler(() => deployments.list()),
  deploy: os.models.deploy.handler(({ input }) => deployments.deploy(input.sha256, input.settings ?? {})),
  unload: os.models.unload.handler(({ input }) => deployments.unload(input.deploymentId)),
  retryEngine: os.models.retryEngine.handler(async () => ({ state: await deployments.retryEngine() })),
  keepWarm: os.models.keepWarm.handler(({ input }) => deployments.keepWarm(input.deploymentId, input.idleUnloadMs)),
  calibration: os.models.calibration.handler(({ input }) => deployments.calibration(input.sha256)),
  calibrate: os.models.calibrate.handler(async function* ({ input, signal }): AsyncGenerator<CalibrationStep> {
    yield* deployments.measure(input.sha256, signal)
  }),
  remoteModels: os.models.remoteModels.handler(({ input }) => deployments.remoteModels(input)),
  connectRemote: os.models.connectRemote.handler(({ input }) => deployments.connectRemote(input)),
  handBack: os.models.handBack.handler(({ input }) => handBack(input.rule)),
})
