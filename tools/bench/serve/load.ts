/** One run of load against one server: plain node:http, streams counted as they come. */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'

import { createSseCounter } from './sse.ts'

import type { LoadAnswer, LoadRequest, LoadRun, RequestOutcome } from './load-types.ts'

const PROBLEM_CHARACTERS = 200

const bodyOf = (model: string, { prompt, maxTokens }: LoadRequest): string =>
  JSON.stringify({
    model,
    prompt,
    max_tokens: maxTokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  })

class Load {
  // llama-server ends the connection after a stream while it says keep-alive: a kept one would fail half of its
  // requests. Both sides get a fresh one.
  readonly #agent = new Agent({ keepAlive: false, maxSockets: Infinity })
  readonly #open = new Set<(why: RequestOutcome) => void>()
  readonly #started = performance.now()
  #over = false

  readonly #run: LoadRun

  constructor(run: LoadRun) {
    this.#run = run
  }

  async all(): Promise<LoadAnswer[]> {
    const { requests, concurrency, limitMs } = this.#run
    const answers: LoadAnswer[] = []
    const limit = setTimeout(() => this.#cut(), limitMs)
    const timed = requests.map(async (each, index) => {
      if (each.atMs === undefined) return
      await new Promise((resolve) => setTimeout(resolve, each.atMs))
      answers[index] = await this.#one(each)
    })
    const waiting = requests.map((each, index) => ({ each, index })).filter(({ each }) => each.atMs === undefined)
    const streams = Array.from({ length: Math.min(concurrency, waiting.length) }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        answers[next.index] = await this.#one(next.each)
    })
    await Promise.all([...timed, ...streams])
    clearTimeout(limit)
    this.#agent.destroy()
    return answers
  }

  #cut(): void {
    this.#over = true
    for (const end of this.#open) end('cut')
  }

  #now(): number {
    return performance.now() - this.#started
  }

  #one(asked: LoadRequest): Promise<LoadAnswer> {
    const sentMs = this.#now()
    const counter = createSseCounter()
    if (this.#over) return Promise.resolve({ outcome: 'cut', sentMs, endMs: sentMs, arrivals: [], usage: null })
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = []
      let sent: ClientRequest | null = null
      const end = (outcome: RequestOutcome, problem?: string): void => {
        if (!this.#open.delete(end)) return
        for (const timer of timers) clearTimeout(timer)
        if (outcome !== 'whole') sent?.destroy()
        resolve({
          outcome,
          sentMs,
          endMs: this.#now(),
          arrivals: counter.arrivals,
          usage: counter.usage,
          ...(problem === undefined ? {} : { problem: problem.slice(0, PROBLEM_CHARACTERS) }),
        })
      }
      this.#open.add(end)
      if (asked.deadlineMs !== undefined) timers.push(setTimeout(() => end('late'), asked.deadlineMs))
      if (asked.cancelMs !== undefined) timers.push(setTimeout(() => end('cancelled'), asked.cancelMs))
      sent = this.#send(
        asked,
        end,
        (chunk) => counter.feed(chunk, this.#now()),
        () => counter.usage !== null,
      )
    })
  }

  #send(
    asked: LoadRequest,
    end: (outcome: RequestOutcome, problem?: string) => void,
    feed: (chunk: Buffer) => void,
    told: () => boolean,
  ): ClientRequest {
    const { url, key, model } = this.#run
    const body = bodyOf(model, asked)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    }
    const sent = request(
      `${url}/v1/completions`,
      { method: 'POST', agent: this.#agent, headers },
      (response: IncomingMessage) => {
        if (response.statusCode === 200) {
          response.on('data', feed)
          response.on('end', () => (told() ? end('whole') : end('failed', 'The stream ended without its usage.')))
        } else {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
          response.on('end', () => end('refused', `${response.statusCode} ${text}`))
        }
        response.on('error', (error) => end('failed', error.message))
      },
    )
    sent.setNoDelay(true)
    sent.on('error', (error) => end('failed', error.message))
    sent.end(body)
    return sent
  }
}

export const runLoad = (run: LoadRun): Promise<LoadAnswer[]> => new Load(run).all()
