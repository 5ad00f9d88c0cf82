/**
 * Measures a model on exam items through the real engine, as the exam does it (greedy, one slot): share right per
 * family and level, by the exam's own answer checks. Usage: npm run eval:model -- MODEL.gguf [SEED] [ITEMS_PER_FAMILY]
 * default: the bundled model, seed eval-card, 150
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { brandId, type ModelSha256 } from '#contract/ids.ts'
import { createLocalMember } from '#engine/client/engine-client.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { checkAnswer } from '#exam/check-answer.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'

const [model = 'resources/models/nano.gguf', seed = 'eval-card', count = '150'] = process.argv.slice(2)
const path = resolve(model)
const sha256 = brandId<ModelSha256>(createHash('sha256').update(readFileSync(path)).digest('hex'))
const engine = createLocalMember({ fork: () => forkEngineChild(), clock: systemClock, log: createLog('evaluate') })
const loaded = await engine.load(
  { path, sha256 },
  { contextTokens: 4_096, slots: 1, threads: 1, gpuLayers: 0, prefixReuse: false },
)
console.log(
  `${model}\nsha256 ${sha256}\n${loaded.engine}, ${loaded.device}; seed ${seed}, ${count} items a family and level, greedy\n`,
)

const ask = (jobId: string, prompt: string): Promise<string> =>
  new Promise((done, fail) => {
    let reply = ''
    const request = {
      messages: [{ role: 'user' as const, content: prompt }],
      maxTokens: 48,
      sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
      stop: [],
      ignoreEos: false,
    }
    engine.submit(jobId, request, {
      onDelta: (text) => (reply += text),
      onDone: () => done(reply),
      onError: (error) => fail(new Error(error.message)),
    })
  })

console.log('| level | ' + FAMILIES.join(' | ') + ' | mean |\n|---|' + '---|'.repeat(FAMILIES.length + 1))
for (const level of [1, 2] as const) {
  const shares: number[] = []
  for (const family of FAMILIES) {
    let right = 0
    for (let index = 0; index < Number(count); index += 1) {
      const item = examItem(seed, family, level, index)
      if (checkAnswer(item, await ask(item.id, item.prompt)).right) right += 1
    }
    shares.push((100 * right) / Number(count))
  }
  console.log(
    `| ${level} | ${shares.map((share) => share.toFixed(0)).join(' | ')} | ${(shares.reduce((sum, share) => sum + share, 0) / shares.length).toFixed(1)} |`,
  )
}
await engine.stop()
