/**
 * A part of a split model is overwritten in place, with the same size, while it is listed and sells: the real core with
 * its real adapter, exchange and files in one process; only the engine is a fake (models.md 1 and 3).
 */
import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import type { DeploymentId, Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'

import { admin } from '../exchange-server/exchange-support.ts'
import { createFakeEngine } from '../support/fake-engine.ts'
import { createFakeEngines, fakeInspection } from '../support/fake-engines.ts'
import { openInProcessStack, untilCore, untilOnline } from '../support/in-process-stack.ts'
import { tempDir } from '../support/temp-dir.ts'
import { VENUE } from '../support/venue.ts'

const NANO = 'practice/text-nano' as Instrument
const SEED = 'changed-model'
/** From the change to the withdrawal of the offer. */
const STOPPED_MS = 5_000

const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)

/** As it lies there: no new inode, no other size. */
function overwrite(path: string, text: string): void {
  const file = openSync(path, 'r+')
  writeSync(file, text)
  closeSync(file)
}

it('stops the sale within five seconds, claims nothing meanwhile, and sells again when it is the old file', async () => {
  const files = tempDir()
  const paths = [1, 2].map((no) => join(files, `m-0000${no}-of-00002.gguf`))
  for (const path of paths) writeFileSync(path, 'weights')
  const engines = () => {
    const made = createFakeEngines({
      make: () =>
        createFakeEngine({
          answer: (request) =>
            request.ignoreEos
              ? 'word '.repeat(request.maxTokens + 1)
              : (answers.get(request.messages.at(-1)!.content) ?? 'Sold!'),
        }),
    })
    made.inspecting = (path) => ({ ...fakeInspection(path), parts: paths })
    return made
  }
  const stack = await openInProcessStack({ folder: tempDir(), examSeed: SEED, engines })
  onTestFinished(() => stack.stop())
  const { client } = stack.core
  await untilOnline(stack.core)

  let sha256 = ''
  for await (const step of await client.models.import({ path: paths[0]! }))
    if (step.kind === 'done') sha256 = step.model.sha256
  const settings = { slots: 2, contextTokens: 256, threads: 1, gpuLayers: 0 }
  const deploymentId: DeploymentId = (await client.models.deploy({ sha256, settings })).deploymentId
  const { examId } = await client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
  let state = ''
  for await (const step of await client.exams.progress({ venueId: VENUE, examId })) ({ state } = step)
  expect(state).toBe('passed')
  const ask = onePrice(nanoPerMtok(1_000_000_000))
  await client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask })

  const { key } = await admin<{ key: string }>(stack.exchange, '/buyer-keys', { name: 'a buyer' })
  const buy = async (content: string): Promise<number> => {
    const response = await fetch(`${stack.exchange.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: NANO, messages: [{ role: 'user', content }], max_tokens: 16 }),
    })
    await response.text()
    return response.status
  }
  const listing = async () => (await client.market.listings({ venueId: VENUE }))[0]
  const settled = async (): Promise<number> =>
    (await client.jobs.list({ venueId: VENUE })).jobs.filter((job) => job.state === 'settled').length
  expect(await buy('first')).toBe(200)
  await untilCore(stack.core, async () => (await settled()) === 1)

  const { size, ino } = statSync(paths[1]!)
  const at = performance.now()
  overwrite(paths[1]!, 'WEIGHTS')
  await untilCore(stack.core, async () => (await listing())?.state !== 'listed')
  expect(performance.now() - at).toBeLessThan(STOPPED_MS)
  expect(statSync(paths[1]!)).toMatchObject({ size, ino })
  expect((await listing())?.reason).toMatchObject({ params: { path: paths[1] } })
  // Nobody else is there to serve it.
  expect(await buy('meanwhile')).toBeGreaterThanOrEqual(500)
  expect((await client.models.deployments())[0]).toMatchObject({ state: 'failed' })
  expect(await settled()).toBe(1)

  overwrite(paths[1]!, 'weights')
  await untilCore(stack.core, async () => (await listing())?.state === 'listed')
  expect(await buy('again')).toBe(200)
  await untilCore(stack.core, async () => (await settled()) === 2)
  expect(await client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({ ok: true, receipts: 2 })
}, 180_000)
