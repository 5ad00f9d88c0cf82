import type { Model } from '#contract/models.ts'
import type { Os } from '#core/os.ts'

import type { ModelsService } from './models-service.ts'

export const modelsApi = (os: Os, models: ModelsService) => ({
  list: os.models.list.handler(() => models.list()),
  inspect: os.models.inspect.handler(({ input }) => models.inspect(input.path)),
  import: os.models.import.handler(async function* ({
    input,
    signal,
  }): AsyncGenerator<{ kind: 'hashing'; doneBytes: number; totalBytes: number } | { kind: 'done'; model: Model }> {
    yield* models.import(input.path, signal)
  }),
  remove: os.models.remove.handler(async ({ input }) => ({ removed: await models.remove(input.sha256) })),
})
