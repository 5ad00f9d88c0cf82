import type { Os } from '#core/rpc.ts'

import type { DeploymentsApi } from './index.ts'

export const deploymentsApi = (os: Os, deployments: DeploymentsApi) => ({
  deployments: os.models.deployments.handler(() => deployments.list()),
  deploy: os.models.deploy.handler(({ input }) => deployments.deploy(input.sha256, input.settings ?? {})),
  unload: os.models.unload.handler(({ input }) => deployments.unload(input.deploymentId)),
  retryEngine: os.models.retryEngine.handler(async () => ({ state: await deployments.retryEngine() })),
})
