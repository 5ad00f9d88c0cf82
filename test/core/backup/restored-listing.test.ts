/**
 * What a folder lists that was put back from a copy: the real core, exchange, copy and restore in one process; only the
 * engine is a fake. Catches: an ask of last month that sells at once, a listing that is paused again at every start.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { restore } from '#core/backup/restore.store.ts'
import { readRestored } from '#core/backup/restored.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { openInProcessStack, untilCore, untilOnline } from '#test/support/in-process-stack.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

import { plain } from './backup-folder.ts'

const NANO = 'practice/text-nano' as Instrument
const SEED = 'restored-listing'
const PUT_BACK = onePrice(nanoPerMtok(1_000_000_000))
const NEWER = onePrice(nanoPerMtok(2_000_000_000))
const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)
const engines = () =>
  createFakeEngines({
    make: () =>
      createFakeEngine({
        answer: (request) =>
          request.ignoreEos
            ? 'word '.repeat(request.maxTokens + 1)
            : (answers.get(request.messages.at(-1)!.content) ?? 'Sold!'),
      }),
  })

async function selling() {
  const stack = await openInProcessStack({ folder: tempDir(), examSeed: SEED, engines })
  onTestFinished(() => stack.stop())
  const { client } = stack.core
  await untilOnline(stack.core)
  const path = join(stack.folder, 'fake.gguf')
  writeFileSync(path, 'a fake model')
  let sha256 = ''
  for await (const step of await client.models.import({ path })) if (step.kind === 'done') sha256 = step.model.sha256
  const settings = { slots: 1, contextTokens: 256, threads: 1, gpuLayers: 0 }
  const { deploymentId } = await client.models.deploy({ sha256, settings })
  const { examId } = await client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
  let state = ''
  for await (const step of await client.exams.progress({ venueId: VENUE, examId })) ({ state } = step)
  expect(state).toBe('passed')
  const list = (ask: typeof NEWER) => client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask })
  return {
    stack,
    list,
    listing: async () => (await stack.core.client.market.listings({ venueId: VENUE }))[0]!,
    home: async () => (await stack.core.client.app.home({ venueId: VENUE })).sentence,
  }
}

it('is paused at the first start, with its ask and the day of the copy; resumed it sells, and stays so', async () => {
  const { stack, list, listing, home } = await selling()
  await list(PUT_BACK)
  const { path: from } = await makeBackup({ ...plain, dataDir: stack.folder, folder: tempDir() })
  await list(NEWER)
  await stack.core.stop()
  const newest = {
    rig: rigMigrations.at(-1)!.id,
    venue: realmMigrations.at(-1)!.id,
    exchange: exchangeMigrations.at(-1)!.id,
  }
  const options = { dataDir: stack.folder, from, newest, clock: plain.clock, ids: countingIds(), keepExchange: true }
  await restore({ ...options, onProgress: plain.onProgress })
  const { madeAt } = readRestored(stack.folder)!
  const why = { code: 'listing.restored', params: { madeAt } }

  // A second start says the same: only the owner ends it.
  for (let start = 0; start < 2; start += 1) {
    await stack.restartCore()
    await untilOnline(stack.core)
    expect(await listing()).toMatchObject({ state: 'paused', ask: PUT_BACK, reason: why })
    expect(await home()).toEqual({ code: 'home.pausedWhy', params: { instrument: NANO, reason: why } })
  }
  expect(await stack.core.client.market.resume({ venueId: VENUE, instrument: NANO })).toMatchObject({
    state: 'listed',
    ask: PUT_BACK,
  })
  await stack.restartCore()
  await untilCore(stack.core, async () => (await listing()).state === 'listed')
})
