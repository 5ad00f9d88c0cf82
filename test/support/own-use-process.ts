/**
 * Stoker's own endpoint before the nano model, as a process of its own: what `npm start` offers on another machine,
 * without the rest. Ends with its parent.
 */
import { resolve } from 'node:path'

import type { ModelSha256 } from '#contract/ids.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'

const [key = ''] = process.argv.slice(2)
const log = createLog('own-use')
const ids = randomIds(() => Date.now())
const engines = createEngines({ fork: forkEngineChild, clock: systemClock, log })
process.on('disconnect', () => void engines.stop().finally(() => process.exit(0)))

const engine = engines.of('nano', { kind: 'local' })
const path = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
const { contextTokens } = await engine.load(
  { path, sha256: 'a'.repeat(64) as ModelSha256 },
  { contextTokens: 192, slots: 2, threads: 1, gpuLayers: 0, prefixReuse: true },
)
const model = { id: 'nano', deploymentId: 'nano', contextTokens, created: 1, loaded: true }
const endpoint = await createEndpoint({ clock: systemClock, ids, log }).open({
  port: 0,
  accepts: (given) => given === key,
  service: {
    models: () => [model],
    find: (id) => (id === model.id ? model : null),
    engine: async () => engine,
    used: () => undefined,
  },
})
process.send?.({ url: endpoint.url })
