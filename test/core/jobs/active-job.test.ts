import { describe, it, expect } from 'vitest'

import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { OfferedJob } from '#core/venues/index.ts'
import { ActiveJob } from '#core/jobs/active-job.ts'
import { StreamedAnswer } from '#exchange-server/jobs/routed-job.ts'

import { FakeClock } from '../../support/fake-clock.ts'
import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'

const frame = {
  t: 'job',
  jobId: 'job_1',
  instrument: NANO_INSTRUMENT,
  specVersion: 1,
  request: {
    messages: [{ role: 'user', content: 'x' }],
    maxTokens: 64,
    sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
    stop: [],
    ignoreEos: false,
  },
  price: onePrice(nanoPerMtok(0)),
  reserveNano: nano(0),
  deadlineMs: 1_000,
  salt: 's'.repeat(43),
} as unknown as OfferedJob
const route = {
  deploymentId: 'd',
  sha256: 'a'.repeat(64),
  specVersion: 1,
  prices: [onePrice(nanoPerMtok(0))],
  bounds: null,
  closed: null,
}

describe('the deltas of a job', () => {
  it.each([
    [1, 101],
    [64, 17],
  ])('go out so seldom that %i jobs together stay within what one socket may send', async (running, most) => {
    const clock = new FakeClock()
    const sent: string[] = []
    const run = new ActiveJob(frame, route, {
      clock,
      engine: { cancel: () => undefined },
      send: (text) => sent.push(text),
      running: () => running,
      lease: null,
    })
    for (let ms = 0; ms < 1_000; ms += 2) {
      run.delta('x')
      await clock.advance(2)
    }
    run.flush()
    expect(sent.join('')).toBe('x'.repeat(500))
    expect(sent[0]).toBe('x')
    expect(sent.length).toBeLessThanOrEqual(most)
    expect(sent.length).toBeGreaterThan(most / 2)
  })
})

describe('our own count', () => {
  it.each([
    ['whole', ['a😀b😀']],
    ['split in the middle of a pair', ['a\ud83d', '\ude00b\ud83d', '\ude00']],
    ['with halves that belong to nothing', ['\ud83d', 'x\ude00', '\ude00\ud83d', 'é']],
    ['with low halves after low ones, and high before high', ['\ude00', '\ude00\ud83d', '\ud83d', '\ue000', '\ud7ff']],
  ])('is that of the joined text, %s', async (_name, deltas) => {
    const clock = new FakeClock()
    const sent: string[] = []
    const run = new ActiveJob(frame, route, {
      clock,
      engine: { cancel: () => undefined },
      send: (text) => sent.push(text),
      running: () => 1,
      lease: null,
    })
    for (const delta of deltas) {
      run.delta(delta)
      await clock.advance(20)
    }
    expect(sent).toEqual(deltas)
    expect([run.text, run.outputTokens]).toEqual([deltas.join(''), Math.ceil(Buffer.byteLength(deltas.join('')) / 4)])
    // The same deltas at the exchange.
    const answer = new StreamedAnswer()
    for (const delta of deltas) answer.add(delta)
    answer.end()
    expect(answer.billedTokens(64)).toBe(run.outputTokens)
  })
})
