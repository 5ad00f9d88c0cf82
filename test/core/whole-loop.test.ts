/**
 * The seller's core with its real adapter against the real exchange, in one process; only the engine is a fake that
 * knows the answers.
 */
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { describe, it, expect, onTestFinished } from 'vitest'

import type { Core } from '#core/core.ts'
import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { verifyTranscript } from '#exam/transcript.ts'
import { canonicalJson } from '#lib/canonical.ts'
import type { Exchange } from '#exchange-server/exchange.ts'

import { admin } from '../exchange-server/exchange-support.ts'
import { createFakeEngines } from '../support/fake-engines.ts'
import { openInProcessStack, untilCore, untilOnline, type InProcessStack } from '../support/in-process-stack.ts'
import { inEnglish } from '../support/in-english.ts'
import { tempDir } from '../support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

const NANO = 'practice/text-nano' as Instrument
const SEED = 'whole-loop'
const ASK = nanoPerMtok(1_000_000_000)

/** Every level-1 question of the seed with its answer. */
const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)
const knowing = () =>
  createFakeEngine({
    answer: (request) =>
      request.ignoreEos
        ? 'word '.repeat(request.maxTokens + 1)
        : (answers.get(request.messages.at(-1)!.content) ?? 'Sold, word by word!'),
  })

async function stack(): Promise<InProcessStack> {
  const made = await openInProcessStack({
    folder: tempDir(),
    examSeed: SEED,
    engines: () => createFakeEngines({ make: knowing }),
  })
  onTestFinished(() => made.stop())
  return made
}

async function buy(exchange: Exchange, key: string): Promise<string> {
  const response = await fetch(`${exchange.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: NANO, messages: [{ role: 'user', content: 'Sell me words' }], max_tokens: 16 }),
  })
  const answer = (await response.json()) as { choices: { message: { content: string } }[] }
  return answer.choices[0]!.message.content
}

async function deployed(core: Core, folder: string): Promise<string> {
  const path = join(folder, 'fake.gguf')
  writeFileSync(path, 'a fake model')
  let sha256 = ''
  for await (const step of await core.client.models.import({ path }))
    if (step.kind === 'done') sha256 = step.model.sha256
  return (
    await core.client.models.deploy({ sha256, settings: { slots: 2, contextTokens: 256, threads: 1, gpuLayers: 0 } })
  ).deploymentId
}

describe('the whole loop', () => {
  it('qualifies by a witnessed exam, lists, sells over HTTP, and both sides hold the same receipts', async () => {
    const made = await stack()
    const { core, exchange } = made
    await untilOnline(core)
    const folder = (await core.client.app.hello()).dataDir
    const deploymentId = (await deployed(core, folder)) as never
    await expect(
      core.client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: onePrice(ASK) }),
    ).rejects.toMatchObject({ code: 'STOKER', data: { code: 'NOT_QUALIFIED' } })

    const { examId } = await core.client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
    const steps = []
    for await (const step of await core.client.exams.progress({ venueId: VENUE, examId }))
      steps.push({ state: step.state, done: step.done, items: step.items.length })
    expect(steps.at(-1)).toMatchObject({ state: 'passed' })
    expect(steps.at(-1)!.items).toBe(steps.at(-1)!.done)
    const transcript = await core.client.exams.transcript({ venueId: VENUE, examId })
    expect(verifyTranscript(transcript.json, { exchangeKey: exchange.exchangeKey })).toMatchObject({
      ok: true,
      class: 'witnessed',
      problems: [],
    })

    const apart = { ...onePrice(ASK), cachedInput: nanoPerMtok(1) }
    await expect(
      core.client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: apart }),
      'protocol 1 has one price',
    ).rejects.toMatchObject({ code: 'STOKER', data: { code: 'PRICE_UNEQUAL' } })
    expect(
      await core.client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: onePrice(ASK) }),
    ).toMatchObject({
      state: 'listed',
    })
    const { key } = await admin<{ key: string }>(exchange, '/buyer-keys', { name: 'a buyer' })
    expect(await buy(exchange, key)).toBe('Sold, word by word!')
    expect(await buy(exchange, key)).toBe('Sold, word by word!')
    await untilCore(
      core,
      async () =>
        (await core.client.jobs.list({ venueId: VENUE })).jobs.filter((job) => job.money === 'available').length === 2,
    )

    const { jobs } = await core.client.jobs.list({ venueId: VENUE })
    const ours = await Promise.all(jobs.map(async ({ jobId }) => core.client.jobs.get({ venueId: VENUE, jobId })))
    expect(ours.map(({ verified }) => verified?.ok)).toEqual([true, true])
    const theirs = await admin<{ receipts: { seq: number }[] }>(exchange, `/receipts/${made.key.publicKey}`)
    expect(ours.map(({ receipt }) => canonicalJson(receipt)).sort()).toEqual(
      theirs.receipts.map((receipt) => canonicalJson(receipt)).sort(),
    )
    expect(await core.client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({
      ok: true,
      problems: [],
      receipts: 2,
      comparedWithExchange: true,
    })
    expect((await core.client.app.onboarding()).firstEarningAt).not.toBeNull()
    await core.client.app.updateSettings({ rigName: 'the box under the stairs' })

    // A copy of the exchange's books, as a backup would be.
    const [copy, newer] = [join(made.folder, 'copy.db'), join(made.folder, 'newer.db')]
    const database = join(exchange.dir, 'exchange.db')
    const books = new Database(database)
    books.exec(`VACUUM INTO '${copy}'`)
    books.close()

    const again = await made.restartCore()
    await untilCore(again, async () => (await again.client.market.listings({ venueId: VENUE }))[0]?.state === 'listed')
    expect(await buy(exchange, key)).toBe('Sold, word by word!')
    await untilCore(
      again,
      async () =>
        (await again.client.jobs.list({ venueId: VENUE })).jobs.filter((job) => job.state === 'settled').length === 3,
    )
    expect(await again.client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({
      ok: true,
      receipts: 3,
      comparedWithExchange: true,
    })
    expect(await admin(exchange, `/supplier/${made.key.publicKey}`)).toMatchObject({ name: 'the box under the stairs' })
    expect(await again.client.venues.keys({ venueId: VENUE })).toMatchObject({
      supplier: made.key.publicKey,
      pinned: exchange.exchangeKey,
      starts: 2,
      hold: null,
    })

    // The exchange is put back to the copy, which does not know the third receipt: nothing is sold to it.
    await made.stopExchange()
    renameSync(database, newer)
    copyFileSync(copy, database)
    await made.startExchange()
    const listing = async () => (await again.client.market.listings({ venueId: VENUE }))[0]
    await untilCore(again, async () => (await listing())?.reason.code === 'history.diverged')
    expect(await listing()).toMatchObject({ state: 'waiting' })
    await expect(buy(made.exchange, key), 'nobody sells').rejects.toThrow(/undefined/)
    expect((await again.client.jobs.list({ venueId: VENUE })).jobs).toHaveLength(3)
    expect(inEnglish(await again.client.app.home({ venueId: VENUE })).sentence).toMatch(/at receipt 2 and ours at 3/)
    const check = await again.client.app.ledgerCheck({ venueId: VENUE })
    expect([check.ok, check.problems.join()]).toEqual([false, expect.stringContaining('Ways on')])
    // The newer one comes back, and all goes on where it stood.
    await made.stopExchange()
    rmSync(database)
    renameSync(newer, database)
    await made.startExchange()
    await untilCore(again, async () => (await listing())?.state === 'listed')
    expect(await buy(made.exchange, key)).toBe('Sold, word by word!')
  }, 180_000)

  it('resumes an exam that a restart interrupted, without asking a judged item again; on a remote server, of which the transcript claims no more than it knows', async () => {
    const made = await stack()
    await untilOnline(made.core)
    const endpoints = [{ url: 'http://127.0.0.1:9', key: 'kept-secret', slots: 2 }]
    const { deploymentId } = await made.core.client.models.connectRemote({
      model: 'fake-remote',
      contextTokens: 256,
      endpoints,
    })
    const { examId } = await made.core.client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
    let judged = 0
    for await (const step of await made.core.client.exams.progress({ venueId: VENUE, examId })) {
      judged = step.done
      if (judged >= 12) break
    }
    const core = await made.restartCore()
    await untilCore(core, async () => (await core.client.exams.get({ venueId: VENUE, examId })).state === 'passed')
    const exam = await core.client.exams.get({ venueId: VENUE, examId })
    expect(exam.items.length).toBe(exam.done)
    expect(new Set(exam.items.map((item) => `${item.phase} ${item.itemId}`)).size).toBe(exam.items.length)
    const { json } = await core.client.exams.transcript({ venueId: VENUE, examId })
    expect(verifyTranscript(json)).toMatchObject({ ok: true })
    expect(JSON.parse(json)).toMatchObject({
      identity: { kind: 'remote', endpoint: 'http://127.0.0.1:9', reportedModel: 'fake-remote', attested: false },
    })
    expect(json).not.toContain('kept-secret')
    // It is listed like a local one.
    expect(
      await core.client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: onePrice(ASK) }),
    ).toMatchObject({
      state: 'listed',
      slots: 2,
    })
  }, 180_000)
})
