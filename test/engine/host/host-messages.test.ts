import { describe, expect, it } from 'vitest'

import type { EngineSettings } from '#core/engine/engine.port.ts'
import { createHost } from '#engine/host/engine-host.ts'
import type { EngineHostEvent } from '#engine/protocol.ts'

import { FakeStepModel } from './scheduler/fake-step-model.ts'
import { ONE_SLOT, SHA } from '../engine-support.ts'

function start() {
  const events: EngineHostEvent[] = []
  const loads: EngineSettings[] = []
  const limits: number[] = []
  const model = new FakeStepModel()
  const waits = new Map<string, (event: EngineHostEvent) => void>()
  const keyOf = (event: EngineHostEvent): string =>
    'id' in event ? `call ${event.id}` : 'job' in event ? event.job : event.t
  const host = createHost({
    send(event) {
      events.push(event)
      waits.get(keyOf(event))?.(event)
    },
    mono: () => 0,
    randomSeed: () => 1,
    rssBytes: () => 1,
    inspect: () => Promise.reject(new Error('not here')),
    load: async (_path, _sha256, settings) => {
      loads.push(settings)
      return model
    },
    governorFor: ({ threadsMax }) => ({
      next: () => threadsMax,
      took: () => undefined,
      setLimit: (limit) => void limits.push(limit),
    }),
    exit: () => undefined,
  })
  const answer = (key: string, message: unknown): Promise<EngineHostEvent> =>
    new Promise((resolve) => {
      waits.set(key, resolve)
      host.handle(message)
    })
  return { answer, host, events, loads, limits, model }
}

describe('messages to the host', () => {
  it('loads with every setting, embeds, passes the thread limit on', async () => {
    const { answer, host, loads, limits } = start()
    const settings: EngineSettings = {
      ...ONE_SLOT,
      processes: 2,
      kvType: 'q8_0',
      flashAttention: 'on',
      batchTokens: 256,
      savedPrefixBytes: 1_000,
    }
    expect(await answer('call 1', { t: 'load', id: 1, path: '/m.gguf', sha256: SHA, settings })).toMatchObject({
      t: 'result',
      value: { engine: 'fake' },
    })
    expect(loads).toEqual([settings])
    expect(await answer('call 2', { t: 'embed', id: 2, texts: ['abc'] })).toEqual({
      t: 'result',
      id: 2,
      value: { vectors: [[3, 0]], promptTokens: 3 },
    })
    host.handle({ t: 'threads', limit: 2 })
    expect(limits).toEqual([2])
  })

  it('ends an embed call between two texts', async () => {
    const { answer, host, model } = start()
    await answer('call 1', { t: 'load', id: 1, path: '/m.gguf', sha256: SHA, settings: ONE_SLOT })
    let embedded = 0
    model.onEmbed = () => {
      embedded += 1
      host.handle({ t: 'cancel-embed', call: 2 })
    }
    expect(await answer('call 2', { t: 'embed', id: 2, texts: ['a', 'b', 'c'] })).toMatchObject({
      t: 'failed',
      error: { code: 'CANCELLED' },
    })
    expect(embedded).toBe(1)
  })

  it('answers what is asked of it without a model, and what is no good, with an error; drops what is no message', async () => {
    const { answer, host, events } = start()
    const submit = (job: string, request: unknown): object => ({
      t: 'submit',
      job,
      request,
      priority: 'job',
      deadlineMs: null,
    })
    expect(await answer('call 1', { t: 'embed', id: 1, texts: ['abc'] })).toMatchObject({
      t: 'failed',
      error: { code: 'ENGINE_NOT_LOADED' },
    })
    expect(await answer('a', submit('a', {}))).toMatchObject({ t: 'error', error: { code: 'ENGINE_NOT_LOADED' } })
    await answer('call 2', { t: 'load', id: 2, path: '/m.gguf', sha256: SHA, settings: ONE_SLOT })
    for (const texts of [[], [''], ['x', 1], 'x', Array.from({ length: 257 }, () => 'x')])
      expect(await answer('call 3', { t: 'embed', id: 3, texts })).toMatchObject({
        t: 'failed',
        error: { code: 'BAD_REQUEST' },
      })
    for (const [request, code] of [
      [{ messages: [{ role: 'user', content: 'x' }], maxTokens: 4, sampling: { temperature: 9 } }, 'SAMPLING_INVALID'],
      [{ messages: [{ role: 'robot', content: 'x' }], maxTokens: 4 }, 'BAD_REQUEST'],
      [null, 'BAD_REQUEST'],
    ] as const)
      expect(await answer('b', submit('b', request))).toMatchObject({ t: 'error', job: 'b', error: { code } })
    expect(await answer('call 4', { t: 'unload', id: 4 })).toMatchObject({ t: 'result', value: null })
    expect(
      await answer('call 5', {
        t: 'load',
        id: 5,
        path: '/m.gguf',
        sha256: SHA,
        settings: { ...ONE_SLOT, savedPrefixBytes: -1 },
      }),
    ).toMatchObject({ error: { code: 'BAD_REQUEST' } })
    expect(
      await answer('c', { t: 'submit', job: 'c', request: {}, priority: 'first', deadlineMs: null }),
    ).toMatchObject({ t: 'error', error: { code: 'BAD_REQUEST' } })
    const before = events.length
    for (const message of [
      null,
      'x',
      { t: 'what' },
      { t: 'cancel', job: 7 },
      { t: 'threads', limit: 0 },
      { t: 'threads', limit: 1 },
    ])
      host.handle(message)
    expect(events.length).toBe(before)
  })
})
