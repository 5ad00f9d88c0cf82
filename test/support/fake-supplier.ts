/**
 * A scripted supplier that speaks the protocol over a real WebSocket: written from docs/protocol.md, sharing no code
 * with the real adapter but the frame schemas.
 */
import { createHmac } from 'node:crypto'

import { WebSocket } from 'ws'

import { signClaim } from '#books/receipts.ts'
import { bytes4, inputTokens } from '#contract/bytes4.ts'
import type { Claim, ClaimV1 } from '#contract/receipt.ts'
import { exchangeFrame, type Envelope, type ExchangeFrame, type SupplierFrame } from '#contract/supplier.ts'
import { exchangeFrameV2, type SupplierFrameV2 } from '#contract/supplier-v2.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { generateSigningKey, verifySignature, type SigningKey } from '#lib/ed25519.ts'

export type JobFrame = Extract<ExchangeFrame, { t: 'job' }>
type FrameOf<T extends ExchangeFrame['t']> = Extract<ExchangeFrame, { t: T }>

/** What the double does with a job; the default answers in three pieces. */
export type JobHandler = (job: JobFrame, supplier: FakeSupplier) => void | Promise<void>

export const MODEL_SHA = 'ab'.repeat(32)
export const IDENTITY = { kind: 'gguf' as const, sha256: MODEL_SHA as never, engine: 'fake 1', device: 'none' }

interface Waiter {
  matches: (frame: ExchangeFrame) => boolean
  resolve: (frame: ExchangeFrame) => void
}

export class FakeSupplier {
  readonly key: SigningKey
  readonly frames: ExchangeFrame[] = []
  readonly jobs: JobFrame[] = []
  readonly cancelled = new Set<string>()
  readonly url: string
  /** Spoken at the next `open`. */
  protocol: 1 | 2 = 1
  /** Of version 2: this start, and what else the hello says. */
  start: { epoch: number; instance: string; takeover?: true } = { epoch: 1, instance: 'i'.repeat(22) }
  helloTime = (): number => Date.now()
  /** Whether the last welcome of version 2 was signed by the exchange over both nonces. */
  proven = false
  onJob: JobHandler = (job, supplier) => supplier.answer(job, ['Hello', ' there', '!'])
  welcome: Record<string, unknown> = {}
  handshakes: Record<string, unknown>[] = []
  socket!: WebSocket
  closed: Promise<{ code: number }> = Promise.resolve({ code: 0 })
  #session = ''
  #challenge = { nonce: '', exchange: '' }
  #sent = 0
  #received = 0
  #unacknowledged: Envelope[] = []
  #waiters: Waiter[] = []

  constructor(url: string, key: SigningKey = generateSigningKey(), protocol: 1 | 2 = 1) {
    this.url = url
    this.key = key
    this.protocol = protocol
  }

  static async connect(url: string, key?: SigningKey, protocol: 1 | 2 = 1): Promise<FakeSupplier> {
    const supplier = new FakeSupplier(url, key, protocol)
    await supplier.open()
    return supplier
  }

  /** Connects and shakes hands; with `resume` it takes the last session up again. */
  async open(options: { resume?: boolean } = {}): Promise<void> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/supplier/v${this.protocol}`, {
      perMessageDeflate: false,
    })
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve({ code })))
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data) => {
        const value = JSON.parse((data as Buffer).toString()) as Record<string, unknown>
        if (value['t'] === 'challenge') {
          this.#challenge = { nonce: String(value['nonce']), exchange: String(value['exchange']) }
          socket.send(JSON.stringify(this.#hello(options.resume === true)))
        } else if (value['t'] === 'welcome') {
          this.proven = this.#isProven(value)
          this.#welcomed(value)
          resolve()
        } else if (value['t'] === 'refused') reject(new Error(JSON.stringify(value['error'])))
        else this.#receive(value as unknown as Envelope)
      })
    })
  }

  #hello(resumes: boolean): object {
    const { nonce, exchange } = this.#challenge
    const supplier = this.key.publicKey
    const resume = resumes ? { resume: { session: this.#session, received: this.#received } } : {}
    const common = { t: 'hello', protocol: this.protocol, supplier, name: 'fake', client: 'test', ...resume }
    if (this.protocol === 1)
      return { ...common, sig: this.key.sign(`stoker-supplier-v1\n${nonce}\n${exchange}\n${supplier}`) }
    const hello = { ...common, nonce: 'o'.repeat(43), time: this.helloTime(), features: [], ...this.start }
    return { ...hello, sig: this.key.sign(`stoker-supplier-v2\n${nonce}\n${exchange}\n${canonicalJson(hello)}`) }
  }

  #isProven({ sig, ...welcome }: Record<string, unknown>): boolean {
    if (this.protocol === 1) return false
    const { nonce, exchange } = this.#challenge
    const text = `stoker-exchange-v2\n${nonce}\n${'o'.repeat(43)}\n${this.key.publicKey}\n${canonicalJson(welcome)}`
    return verifySignature(exchange, text, String(sig))
  }

  #welcomed(value: Record<string, unknown>): void {
    this.welcome = value
    this.handshakes.push(value)
    if (value['resumed'] === true) {
      this.#forget(Number(value['received']))
      for (const envelope of this.#unacknowledged)
        this.socket.send(JSON.stringify({ ...envelope, ack: this.#received }))
    } else {
      this.#session = String(value['session'])
      this.#sent = 0
      this.#received = 0
      this.#unacknowledged = []
    }
  }

  /** The number of the last frame that arrived. */
  get received(): number {
    return this.#received
  }

  send(frame: SupplierFrame | SupplierFrameV2 | Record<string, unknown>): void {
    this.#sent += 1
    const envelope = { seq: this.#sent, ack: this.#received, frame }
    this.#unacknowledged.push(envelope)
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(envelope))
  }

  raw(text: string): void {
    this.socket.send(text)
  }

  /** Cuts the line without a goodbye. */
  async cut(): Promise<void> {
    this.socket.terminate()
    await this.closed
  }

  /** The first frame of a type not taken before, now or when it comes. */
  next<T extends ExchangeFrame['t']>(
    type: T,
    matches: (frame: FrameOf<T>) => boolean = () => true,
  ): Promise<FrameOf<T>> {
    const fits = (frame: ExchangeFrame): boolean => frame.t === type && matches(frame as FrameOf<T>)
    const known = this.frames.findIndex(fits)
    if (known >= 0) return Promise.resolve(this.frames.splice(known, 1)[0] as FrameOf<T>)
    return new Promise((resolve) =>
      this.#waiters.push({ matches: fits, resolve: resolve as (frame: ExchangeFrame) => void }),
    )
  }

  offer(
    instrument: string,
    askNanoPerMtok: number,
    options: { slots?: number; deploymentId?: string; sha256?: string } = {},
  ): void {
    this.send({
      t: 'offer',
      instrument,
      deploymentId: options.deploymentId ?? 'dep_1',
      identity: { ...IDENTITY, sha256: options.sha256 ?? IDENTITY.sha256 },
      ...(this.protocol === 1
        ? { askNanoPerMtok }
        : { ask: { input: askNanoPerMtok, cachedInput: askNanoPerMtok, output: askNanoPerMtok } }),
      slots: options.slots ?? 1,
      contextTokens: 4_096,
      maxOutputTokens: 4_096,
    })
  }

  /** Accepts, streams the pieces, claims. */
  async answer(job: JobFrame, pieces: readonly string[], finish: Claim['finish'] = 'stop'): Promise<void> {
    this.send({ t: 'job.accept', jobId: job.jobId })
    for (const piece of pieces) this.text(job, piece)
    this.claim(job, pieces.join(''), finish)
  }

  text(job: JobFrame, piece: string): void {
    const text = this.protocol === 1 ? piece : { content: piece, reasoning: '', toolCalls: [] }
    this.send({ t: 'job.delta', jobId: job.jobId, text })
  }

  /** Of the version that is spoken. Input of version 2: contents and the canonical JSON of the schema. */
  claim(job: JobFrame, text: string, finish: Claim['finish'] = 'stop', change: Partial<ClaimV1> = {}): void {
    const mac = (data: string): string =>
      createHmac('sha256', Buffer.from(job.salt, 'base64url')).update(data).digest('hex')
    const { messages, jsonSchema } = job.request
    const schema = this.protocol === 1 || jsonSchema === undefined ? '' : canonicalJson(jsonSchema)
    const answer = this.protocol === 1 ? text : canonicalJson({ content: text, reasoning: '', toolCalls: [] })
    const facts = {
      jobId: job.jobId,
      supplier: this.key.publicKey,
      instrument: job.instrument,
      specVersion: job.specVersion,
      modelSha256: MODEL_SHA as never,
      usage: {
        inputTokens: inputTokens([...messages, { content: schema }]),
        outputTokens: Math.min(bytes4(text), job.request.maxTokens),
      },
      timings: { ttftMs: 5, durationMs: 10 },
      requestMac: mac(canonicalJson(job.request)),
      answerMac: mac(answer),
      finish,
      ...change,
    }
    const claim: Claim = this.protocol === 1 ? { v: 1, ...facts } : { v: 2, logprobRoot: null, ...facts }
    const { claimSig } = signClaim(this.key, claim)
    this.send({ t: 'job.done', jobId: job.jobId, claim, claimSig })
  }

  #receive(envelope: Envelope): void {
    this.#forget(envelope.ack)
    if (envelope.seq === 0 || envelope.seq <= this.#received) return
    if (envelope.seq !== this.#received + 1)
      throw new Error(`the exchange skipped from ${this.#received} to ${envelope.seq}`)
    this.#received = envelope.seq
    // Typed as version 1, whose fields most tests look at.
    const frame = (this.protocol === 1 ? exchangeFrame : exchangeFrameV2).parse(envelope.frame) as ExchangeFrame
    if (frame.t === 'job.cancel') this.cancelled.add(frame.jobId)
    const waiter = this.#waiters.findIndex((one) => one.matches(frame))
    if (waiter >= 0) this.#waiters.splice(waiter, 1)[0]!.resolve(frame)
    else this.frames.push(frame)
    if (frame.t === 'job') {
      this.jobs.push(frame)
      void this.onJob(frame, this)
    }
  }

  #forget(ack: number): void {
    this.#unacknowledged = this.#unacknowledged.filter((one) => one.seq > ack)
  }
}
