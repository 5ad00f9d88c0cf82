/** The real core and the real exchange, with an engine on the GPU: an exam, an ask, a sold job with its receipt. */
import { readFileSync } from 'node:fs'

import { expect, it, onTestFinished } from 'vitest'

import type { GradeSpec } from '#contract/grades.ts'
import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { verifyTranscript } from '#exam/transcript.ts'

import { NANO } from '../engine/engine-support.ts'
import { admin } from '../exchange-server/exchange-support.ts'
import { openInProcessStack, untilCore, untilOnline } from '../support/in-process-stack.ts'
import { tempDir } from '../support/temp-dir.ts'
import { VENUE } from '../support/venue.ts'
import { gpus, makeEngines, noGpu } from './gpu-machine.ts'

const INSTRUMENT = 'practice/text-nano' as Instrument
const QUESTION = 'What is 12 + 9? Answer with the number only.'

/**
 * The training grade with an easy floor and short load calls: a software device is slow, and speed is not what is shown
 * here. 97 load calls decide, whatever their length.
 */
function slowSpec(): GradeSpec {
  const file = new URL('../../resources/grades/practice.json', import.meta.url)
  const specs = JSON.parse(readFileSync(file, 'utf8')) as GradeSpec[]
  const spec = specs.find(({ instrument }) => instrument === INSTRUMENT)
  if (spec === undefined) throw new Error('no training grade')
  const limits = {
    ...spec.limits,
    intelligence: { floor: 0.3, target: 0.7 },
    ttftCeilingMs: 120_000,
    throughputFloorTokPerS: 0.01,
    contextTokens: 25,
    outputTokens: 3,
  }
  return { ...spec, limits }
}

it.skipIf(noGpu)('an exam and a sold job: it qualifies, lists, answers over HTTP and is paid', async ({ task }) => {
  const stack = await openInProcessStack({
    folder: tempDir(),
    examSeed: 'gpu',
    specs: [slowSpec()],
    engines: () => makeEngines().engines,
  })
  onTestFinished(() => stack.stop())
  const { core, exchange } = stack
  const { client } = core
  await untilOnline(core)
  let sha256 = ''
  for await (const step of await client.models.import({ path: NANO }))
    if (step.kind === 'done') sha256 = step.model.sha256
  // One of four layers: the exam has some 150 prompts, and all layers would take a software device four times as long.
  const settings = { slots: 1, contextTokens: 128, threads: 1, gpuLayers: 1, flashAttention: 'on' } as const
  const { deploymentId, detail } = await client.models.deploy({ sha256, settings })
  expect(JSON.stringify(detail)).toContain(gpus[0]?.name)

  const { examId } = await client.exams.start({ venueId: VENUE, instrument: INSTRUMENT, deploymentId })
  let [state, items] = ['', 0]
  for await (const step of await client.exams.progress({ venueId: VENUE, examId }))
    [state, items] = [step.state, step.items.length]
  expect(state).toBe('passed')
  const transcript = await client.exams.transcript({ venueId: VENUE, examId })
  expect(verifyTranscript(transcript.json, { exchangeKey: exchange.exchangeKey })).toMatchObject({
    ok: true,
    class: 'witnessed',
  })
  expect(transcript.json).toContain(gpus[0]?.name)

  const ask = onePrice(nanoPerMtok(1_000_000_000))
  expect(await client.market.list({ venueId: VENUE, instrument: INSTRUMENT, deploymentId, ask })).toMatchObject({
    state: 'listed',
  })
  const { key } = await admin<{ key: string }>(exchange, '/buyer-keys', { name: 'a buyer' })
  const response = await fetch(`${exchange.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: INSTRUMENT,
      messages: [{ role: 'user', content: QUESTION }],
      max_tokens: 3,
      temperature: 0,
    }),
  })
  const answer = (await response.json()) as { choices: { message: { content: string } }[] }
  expect(answer.choices[0]?.message.content).toContain('21')
  const sold = async () => (await client.jobs.list({ venueId: VENUE })).jobs.filter((job) => job.money === 'available')
  await untilCore(core, async () => (await sold()).length === 1)
  const [job] = await sold()
  expect((await client.jobs.get({ venueId: VENUE, jobId: job?.jobId as never })).verified?.ok).toBe(true)
  expect(await client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({ ok: true, comparedWithExchange: true })
  task.meta.seen = `${items} items, passed; 1 job paid, its receipt verified; 1 of 4 layers`
})
