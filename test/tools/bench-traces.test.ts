import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { describe, expect, it } from 'vitest'

import { cellsOf } from '../../tools/bench/serve/cells.ts'
import { runLoad } from '../../tools/bench/serve/load.ts'
import { promptMaker } from '../../tools/bench/serve/bench-prompts.ts'
import { createSseCounter } from '../../tools/bench/serve/sse.ts'
import { candidates } from '../../tools/bench/serve/threads.ts'
import { gradeDeadlineMs, longAmongStreams, mixed, sharedPrefix, steady } from '../../tools/bench/serve/traces.ts'

const make = promptMaker(1)
const MIXED = { requests: 200, perSecond: 5, ttftCeilingMs: 5_000, throughputFloorTokPerS: 10 }

describe('traces of the benchmark', () => {
  it('are the same for the same seed and others for another: both sides must get the same work', () => {
    expect(mixed(make, 'a', MIXED)).toEqual(mixed(make, 'a', MIXED))
    expect(mixed(make, 'a', MIXED)).not.toEqual(mixed(make, 'b', MIXED))
  })

  it('mixed: arrivals rise at the rate asked for, lengths and deadlines stay in bounds, some buyers change their mind', () => {
    const trace = mixed(make, 'a', MIXED)
    const arrivals = trace.map(({ atMs }) => atMs!)
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b))
    expect(arrivals.at(-1)! / 1_000).toBeGreaterThan(25)
    expect(arrivals.at(-1)! / 1_000).toBeLessThan(60)
    for (const { maxTokens, deadlineMs } of trace) {
      expect(maxTokens).toBeGreaterThanOrEqual(8)
      expect(maxTokens).toBeLessThanOrEqual(128)
      expect(deadlineMs).toBeLessThanOrEqual(gradeDeadlineMs(maxTokens, MIXED))
    }
    const cancelled = trace.filter(({ cancelMs }) => cancelMs !== undefined).length
    expect(cancelled).toBeGreaterThan(5)
    expect(cancelled).toBeLessThan(45)
  })

  it('the deadline is the exchange’s own', () => {
    expect(gradeDeadlineMs(32, MIXED)).toBe(5_000 + 6_400)
  })

  it('prompts are unique, but for the shared prefix, which is the whole beginning', () => {
    const prompts = steady(make, 'a', { requests: 50, promptTokens: 64, maxTokens: 8 }).map(({ prompt }) => prompt)
    expect(new Set(prompts.map((prompt) => prompt.slice(0, 40))).size).toBe(50)
    const jobs = sharedPrefix(make, 'a', { jobs: 50, prefixTokens: 1_500, ownTokens: 16, maxTokens: 8 }).map(
      ({ prompt }) => prompt,
    )
    expect(new Set(jobs.map((prompt) => prompt.slice(0, 1_499 * 3))).size).toBe(1)
    expect(new Set(jobs).size).toBe(50)
  })

  it('prompts have the tokens asked for, the one before every prompt included', () => {
    expect(make('a', 64).split(' ')).toHaveLength(63)
    expect(promptMaker(2)('a', 65).split(' ')).toHaveLength(32)
  })

  it('the long prompt comes once, among the streams', () => {
    const trace = longAmongStreams(make, 'a', { streams: 4, streamTokens: 100, longTokens: 1_500, atMs: 500 })
    expect(trace.filter(({ group }) => group === 'long')).toMatchObject([{ atMs: 500 }])
    expect(trace.filter(({ atMs }) => atMs === 0)).toHaveLength(4)
  })
})

describe('cells', () => {
  it('by default: tiny, mini, nano at 1, 4, 16, small at 1 and 4, the traces; --full has every concurrency and a busy core for all', () => {
    const ids = cellsOf({ full: false, only: [] }).map(({ id }) => id)
    expect(ids).toContain('tiny ×16 prompt 512')
    expect(ids).toContain('small ×4 prompt 64')
    expect(ids).toContain('mini ×4 prompt 64 busy')
    expect(ids.filter((id) => id.includes('small'))).toHaveLength(2)
    const full = cellsOf({ full: true, only: [] })
    expect(new Set(full.map(({ id }) => id)).size).toBe(full.length)
    expect(full.filter(({ busy }) => busy)).toHaveLength(full.length / 2)
  })

  it('--only wants all words of one of its parts', () => {
    expect(cellsOf({ full: false, only: ['mini ×4 busy'] }).map(({ id }) => id)).toEqual(['mini ×4 prompt 64 busy'])
    expect(cellsOf({ full: false, only: ['×1 prompt 64', 'mixed'] }).map(({ id }) => id)).toEqual([
      'tiny ×1 prompt 64',
      'mini ×1 prompt 64',
      'mini mixed trace',
      'mini ×1 prompt 64 busy',
      'small ×1 prompt 64',
      'nano ×1 prompt 64',
    ])
  })

  it('threads of the reference: all on small machines, a spread with the ends on large ones', () => {
    expect(candidates(2)).toEqual([1, 2])
    expect(candidates(16)).toEqual([1, 2, 4, 8, 15, 16])
  })
})

const event = (body: object): string => `data: ${JSON.stringify(body)}\n\n`
const USAGE = { usage: { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } } }
const STREAM =
  event({ choices: [{ delta: { role: 'assistant', content: null } }] }) +
  event({ choices: [{ text: ' ab' }] }) +
  event({ choices: [{ delta: { content: 'x' } }] }) +
  ': waiting\n\n' +
  event({ choices: [{ text: '', finish_reason: 'length' }], ...USAGE }) +
  'data: [DONE]\n\n'

describe('the counter of events', () => {
  it('counts events with text only and reads the usage, however the network cuts them', () => {
    for (const size of [1, 7, 64, STREAM.length]) {
      const counter = createSseCounter()
      const bytes = Buffer.from(STREAM)
      for (let at = 0; at < bytes.length; at += size) counter.feed(bytes.subarray(at, at + size), at)
      expect(counter.arrivals).toHaveLength(2)
      expect(counter.usage).toEqual({ prompt: 5, cached: 4, generated: 2 })
    }
  })
})

describe('the load client', () => {
  it('tells whole, refused, late and cancelled answers apart and hangs up by itself', async () => {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
      request.on('end', () => {
        const { prompt } = JSON.parse(body) as { prompt: string }
        if (prompt === 'refuse') response.writeHead(429).end('{"error":"busy"}')
        else if (prompt === 'whole') response.writeHead(200).end(STREAM)
        else response.writeHead(200).write(event({ choices: [{ text: ' ab' }] }))
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const to = { url: `http://127.0.0.1:${port}`, key: 'k', model: 'm', concurrency: 4 }
    const cut = await runLoad({ ...to, limitMs: 20, requests: [{ prompt: 'hang', maxTokens: 2 }] })
    const answers = await runLoad({
      ...to,
      limitMs: 20_000,
      requests: [
        { prompt: 'whole', maxTokens: 2 },
        { prompt: 'refuse', maxTokens: 2 },
        { prompt: 'hang', maxTokens: 2, deadlineMs: 20 },
        { prompt: 'hang', maxTokens: 2, cancelMs: 20 },
      ],
    })
    server.closeAllConnections()
    server.close()
    expect(answers.map(({ outcome }) => outcome)).toEqual(['whole', 'refused', 'late', 'cancelled'])
    expect(cut).toMatchObject([{ outcome: 'cut', usage: null }])
    expect(answers[0]!.usage?.generated).toBe(2)
    expect(answers[1]!.problem).toContain('429')
  })
})
