/**
 * A server that speaks the OpenAI API as a test says: well, badly, or not at all. No model; every answer is scripted.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface FakeCall {
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: IncomingHttpHeaders
  /** The client closed the connection before the answer was over. */
  readonly hungUp: Promise<void>
}

interface FakeTls {
  cert: string
  key: string
}

type Reply = (response: ServerResponse, call: FakeCall) => void

export const event = (value: unknown): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
export const textChunk = (content: string, more: Record<string, unknown> = {}): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: null, ...more }] })
export const last = (
  reason = 'stop',
  usage: unknown = { prompt_tokens: 40, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 30 } },
): string =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }) +
  (usage === null ? '' : event({ choices: [], usage })) +
  event('[DONE]')

/** Streams these texts as one answer. */
export const stream =
  (...parts: string[]): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const part of parts) response.write(part)
    response.end()
  }
/** Streams these texts and leaves the answer open. */
export const open =
  (...parts: string[]): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    for (const part of parts) response.write(part)
  }
export const refuse =
  (
    status: number,
    body: unknown = { error: { message: 'no', type: 'fake' } },
    headers: Record<string, string> = {},
  ): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
export const ok = stream(
  event({ choices: [{ delta: { role: 'assistant', content: null } }] }),
  textChunk('Hel'),
  textChunk('lo'),
  last(),
)

export class FakeOpenAiServer {
  readonly calls: FakeCall[] = []
  /** How many times its models were asked for. */
  listed = 0
  models: Record<string, unknown>[] = [{ id: 'fake-model', object: 'model', owned_by: 'somebody' }]
  key: string | null = null
  /** What other paths answer; 404 without an entry. */
  paths: Record<string, Reply> = {}
  /** What /v1/models answers instead of its list. */
  list: Reply | null = null
  /** The answers to the next requests, in order; the last one stays. */
  replies: Reply[] = [ok]
  readonly #server: Server
  readonly #waiting: (() => void)[] = []

  readonly #scheme: 'http' | 'https'

  private constructor(tls: FakeTls | undefined) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response)
    this.#scheme = tls === undefined ? 'http' : 'https'
    this.#server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  }

  static async start(tls?: FakeTls): Promise<FakeOpenAiServer> {
    const fake = new FakeOpenAiServer(tls)
    await fake.#listen(0)
    return fake
  }

  get url(): string {
    return `${this.#scheme}://${this.host}`
  }

  get host(): string {
    return `127.0.0.1:${this.port}`
  }

  port = 0

  /** Dies, streams and all; `revive` brings it back at the same address. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  revive(): Promise<void> {
    return this.#listen(this.port)
  }

  /** Resolves when so many requests for answers have come in all. */
  async asked(count: number): Promise<void> {
    while (this.calls.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    if (this.key !== null && request.headers.authorization !== `Bearer ${this.key}`)
      return refuse(401, { error: { message: 'Invalid API Key' } })(response, null as never)
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const hungUp = new Promise<void>((resolve) =>
      response.on('close', () => (response.writableFinished ? undefined : resolve())),
    )
    const call: FakeCall = {
      path,
      body: parts.length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>),
      headers: request.headers,
      hungUp,
    }
    const scripted = this.paths[path]
    if (scripted !== undefined) return scripted(response, call)
    if (path === '/v1/models') {
      this.listed += 1
      return (this.list ?? refuse(200, { object: 'list', data: this.models }))(response, call)
    }
    if (path !== '/v1/chat/completions' && path !== '/v1/completions') return refuse(404)(response, call)
    this.calls.push(call)
    const reply = this.replies.length > 1 ? this.replies.shift() : this.replies[0]
    reply?.(response, call)
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
