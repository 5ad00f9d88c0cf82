/**
 * A remote deployment sells like a local one: one pool of a real llama-server and of Stoker's own endpoint on another
 * rig (a process of its own), behind the real core, adapter and exchange. Catches: an exam or a claim that only works
 * for local engines, an answer billed by the server's count, a buyer's cancel that leaves the server at work, money
 * kept for an answer that the server's death cut off.
 */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { answerMac, verifyReceipt } from '#books/receipts.ts'
import { bytes4 } from '#contract/bytes4.ts'
import { brandId, type Instrument, type JobId } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import type { Deployment } from '#contract/models.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { findJob } from '#core/jobs/jobs.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { createEngines } from '#engine/engines.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { balances, books, buyerKey, client, say } from '#test/exchange-server/exchange-support.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { openInProcessStack, untilCore, untilOnline, type InProcessStack } from '#test/support/in-process-stack.ts'
import { llamaServerPath, startLlamaServer, type LlamaServer } from '#test/support/llama-server.ts'
import { startOwnUseProcess, type OwnUseProcess } from '#test/support/own-use.ts'
import { until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

const NANO = brandId<Instrument>('practice/text-nano')
const KEY = 'sk-own-use-of-another-rig'
const MAX_TOKENS = 20
/** Nano-credits for one token: 1 credit a million. */
const TOKEN_NANO = 1_000
/**
 * The bundled grade with a floor that one round of items decides, and short answers, for time's sake; the calls that
 * fill the grade are as many as ever.
 */
const SPECS = loadGradeSpecs().map((spec) => ({
  ...spec,
  limits: { ...spec.limits, intelligence: { floor: 0.3, target: 0.6 }, contextTokens: 48, outputTokens: MAX_TOKENS },
}))
/** No answer meets it within MAX_TOKENS, so none ends by itself. */
const ENDLESS = {
  type: 'json_schema' as const,
  json_schema: {
    name: 'long',
    schema: { type: 'object', properties: { words: { type: 'string', minLength: 200 } }, required: ['words'] },
  },
}

describe.skipIf(llamaServerPath() === null)(
  'sales of a remote deployment (skipped where no llama-server is: `npm run bench:reference` builds one, STOKER_LLAMA_SERVER names one)',
  () => {
    let folder: ReturnType<typeof temporaryFolder>
    let [llama, other, stack, buyer, ours]: [LlamaServer, OwnUseProcess, InProcessStack, OpenAI, Db] = [] as never
    let deployment: Deployment
    /** The llama-server is to stand still as soon as an answer of it has begun. */
    let freezes = false
    /** Whether the core has closed the connection of that answer. */
    let hungUp = (): boolean => false
    const freezingFetch: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (!freezes || response.body === null || !response.url.startsWith(llama.url)) return response
      const looking = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, out) {
          if (freezes && Buffer.from(chunk).includes('"content":"')) {
            freezes = false
            llama.freeze()
            hungUp = () => init?.signal?.aborted === true
          }
          out.enqueue(chunk)
        },
      })
      return new Response(response.body.pipeThrough(looking), response)
    }
    beforeAll(async () => {
      folder = temporaryFolder()
      // One after the other: what was started is ended when the next does not start.
      llama = await startLlamaServer({ more: ['--metrics'] })
      other = await startOwnUseProcess(KEY)
      const log = createLog('test').child({}, { level: 'silent' })
      const fork = (): never => {
        throw new Error('nothing local here')
      }
      stack = await openInProcessStack({
        folder: folder.path,
        examSeed: 'note',
        specs: SPECS,
        engines: () => createEngines({ clock: systemClock, log, fork, fetch: freezingFetch }),
      })
      buyer = client(stack.exchange, await buyerKey(stack.exchange))
      ours = openDb({ path: `${folder.path}/practice.db`, migrations: realmMigrations, readOnly: true })
    }, 180_000)
    afterAll(async () => {
      ours?.close()
      await stack?.stop()
      await Promise.all([llama?.kill(), other?.end()])
      folder?.remove()
    })

    const jobOf = (jobId: string): ReturnType<InProcessStack['core']['client']['jobs']['get']> =>
      stack.core.client.jobs.get({ venueId: VENUE, jobId: brandId<JobId>(jobId) })
    const reaches = (jobId: string, state: Job['state']): Promise<void> =>
      untilCore(stack.core, async () => (await jobOf(jobId)).state === state)
    /** At the exchange: what buyers spent and have reserved, and where it went. */
    function money(): { spent: number; reserved: number; fees: number; seller: number } {
      const { held, available, ...rest } = balances(stack.exchange, stack.key.publicKey)
      return { ...rest, seller: held + available }
    }
    /** Tokens the llama-server has made in all, by its own count. */
    const made = async (): Promise<number> =>
      Number(/^llamacpp:tokens_predicted_total (\d+)/m.exec(await (await fetch(`${llama.url}/metrics`)).text())?.[1])
    /** Resolves when no slot of the llama-server works. */
    async function idle(): Promise<void> {
      await until('every slot of the server to be free', async () =>
        ((await (await fetch(`${llama.url}/slots`)).json()) as { is_processing: boolean }[]).every(
          ({ is_processing: busy }) => !busy,
        ),
      )
    }
    const transfersOf = (jobId: string): object[] =>
      ours.read
        .prepare<{ id: string; debit: string; credit: string; amount: number }>(
          'SELECT id, debit, credit, amount FROM transfers WHERE id LIKE ? ORDER BY seq',
        )
        .all(`${jobId}:%`)

    /** Buys one answer and follows it to the money at hand. */
    async function sell(content: string): Promise<Job> {
      const before = money()
      const { data, response } = await buyer.chat.completions
        .create({ model: NANO, messages: say(content), max_tokens: MAX_TOKENS })
        .withResponse()
      const text = data.choices[0]!.message.content!
      const jobId = response.headers.get('x-stoker-job')!
      await untilCore(stack.core, async () => (await jobOf(jobId)).money === 'available')
      const job = await jobOf(jobId)
      const [inputTokens, outputTokens] = [bytes4(content), Math.min(bytes4(text), MAX_TOKENS)]
      expect(outputTokens).toBeGreaterThan(0)
      expect(data.usage).toMatchObject({ prompt_tokens: inputTokens, completion_tokens: outputTokens })
      const gross = (inputTokens + outputTokens) * TOKEN_NANO
      const [fee, net] = [gross * 0.05, gross * 0.95]
      expect(job).toMatchObject({
        state: 'settled',
        sha256: deployment.sha256,
        inputTokens,
        outputTokens,
        grossNano: gross,
        feeNano: fee,
        sellerNano: net,
        verified: { ok: true },
      })
      expect(findJob(ours.read, jobId)?.deploymentId).toBe(deployment.deploymentId)
      expect(verifyReceipt(job.receipt, { exchangeKey: stack.exchange.exchangeKey })).toMatchObject({
        ok: true,
        problems: [],
      })
      expect(job.receipt?.claim).toMatchObject({
        modelSha256: deployment.sha256,
        answerMac: answerMac(response.headers.get('x-stoker-salt')!, text),
      })
      const income = `income:${NANO}`
      expect(transfersOf(jobId)).toEqual([
        { id: `${jobId}:reserve`, debit: 'asset:held', credit: income, amount: gross },
        { id: `${jobId}:post`, debit: 'asset:held', credit: income, amount: gross },
        { id: `${jobId}:fee`, debit: 'expense:fee', credit: 'asset:held', amount: fee },
        { id: `${jobId}:release`, debit: 'asset:available', credit: 'asset:held', amount: net },
      ])
      expect(money()).toEqual({
        spent: before.spent + gross,
        fees: before.fees + fee,
        seller: before.seller + net,
        reserved: 0,
      })
      return job
    }

    /**
     * A streamed answer that has begun at the llama-server and is not over: the server stands still. One that the other
     * server got, or that was over too soon, is sold, and another asked for.
     */
    async function inTheMiddle(): Promise<{ jobId: string; rest: AsyncIterator<unknown>; leave(): void }> {
      for (let attempt = 0; attempt < 20; attempt += 1) {
        freezes = true
        const asked = {
          model: NANO,
          messages: say(`Go on and on, ${attempt}`),
          max_tokens: MAX_TOKENS,
          response_format: ENDLESS,
        }
        const { data: stream, response } = await buyer.chat.completions
          .create({ ...asked, stream: true })
          .withResponse()
        const jobId = response.headers.get('x-stoker-job')!
        const rest = stream[Symbol.asyncIterator]()
        for (
          let chunk = await rest.next();
          !chunk.done && (chunk.value.choices[0]?.delta.content ?? '') === '';
          chunk = await rest.next()
        );
        // What the server had sent before it stood still is through when two calls have gone the same way.
        for (let call = 0; call < 2; call += 1) await buyer.models.list()
        if (!freezes && (await jobOf(jobId)).state === 'running')
          return { jobId, rest, leave: () => stream.controller.abort() }
        llama.thaw()
        await reaches(jobId, 'settled')
      }
      throw new Error('every answer was over before the server stood still')
    }

    it('is connected, passes the exam over both servers, and is listed', async () => {
      const { core } = stack
      await untilOnline(core)
      const endpoints = [
        { url: llama.url, key: null, slots: 1 },
        { url: other.url, key: KEY, slots: 1 },
      ]
      deployment = await core.client.models.connectRemote({ model: 'nano', contextTokens: 192, endpoints })
      expect(deployment).toMatchObject({ state: 'loaded', settings: { slots: 2 } })
      const { deploymentId } = deployment
      const { examId } = await core.client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
      await untilCore(core, async () => (await core.client.exams.get({ venueId: VENUE, examId })).state !== 'running')
      expect(await core.client.exams.get({ venueId: VENUE, examId })).toMatchObject({ state: 'passed' })
      expect(await made()).toBeGreaterThan(97 * MAX_TOKENS)
      expect(
        await core.client.market.list({
          venueId: VENUE,
          instrument: NANO,
          deploymentId,
          ask: onePrice(nanoPerMtok(TOKEN_NANO * 1_000_000)),
        }),
      ).toMatchObject({
        state: 'listed',
        deploymentId,
      })
    }, 180_000)

    it('sells an answer of the llama-server: claim, receipt, ledger', async () => {
      const before = await made()
      const job = await sell('Write the word stone 6 times, separated by single spaces. Write nothing else.')
      expect(await made()).toBe(before + job.engineGeneratedTokens!)
      expect(job.engineGeneratedTokens).toBeGreaterThan(0)
    })

    it('takes a buyer’s cancel to the llama-server, whose slot is free again; what was delivered is paid', async () => {
      const { jobId, leave } = await inTheMiddle()
      const { spent } = money()
      expect(hungUp()).toBe(false)
      leave()
      await reaches(jobId, 'settled')
      expect(hungUp()).toBe(true)
      llama.thaw()
      await idle()
      const job = await jobOf(jobId)
      expect(job).toMatchObject({ finish: 'cancelled', verified: { ok: true } })
      expect(job.outputTokens).toBeGreaterThan(0)
      expect(job.grossNano).toBe((job.inputTokens! + job.outputTokens!) * TOKEN_NANO)
      expect(money()).toMatchObject({ spent: spent + job.grossNano!, reserved: 0 })
    })

    it('killed in the middle of an answer: the job fails, its buyer pays nothing and nothing is earned', async () => {
      const { jobId, rest } = await inTheMiddle()
      const { reserved, ...before } = money()
      expect(reserved).toBeGreaterThan(0)
      await llama.kill()
      await expect(Promise.all(Array.from({ length: MAX_TOKENS }, () => rest.next()))).rejects.toMatchObject({
        code: 'supplier_failed',
      })
      await reaches(jobId, 'failed')
      expect(await jobOf(jobId)).toMatchObject({
        reason: 'the engine crashed',
        money: 'none',
        grossNano: null,
        receipt: null,
      })
      expect(transfersOf(jobId)).toEqual([])
      expect(money()).toEqual({ ...before, reserved: 0 })
    })

    it('goes on selling at the other Stoker’s endpoint', async () => {
      await sell('Write the word paper 6 times, separated by single spaces. Write nothing else.')
      const { processes } = (await stack.core.client.models.deployments())[0]!
      expect(processes.map(({ state }) => state)).toEqual(['unreachable', 'loaded'])
      expect(await stack.core.client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({
        ok: true,
        problems: [],
        comparedWithExchange: true,
      })
      expect(books(stack.exchange).check()).toMatchObject({ ok: true, problems: [] })
    })
  },
)
