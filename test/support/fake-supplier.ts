/**
 * A scripted supplier that speaks the protocol over a real WebSocket: written from docs/protocol.md, sharing no code
 * with the real adapter but the frame schemas.
 */
import { createHmac } from 'node:crypto'

import { WebSocket } from 'ws'

import { signClaim } from '#books/receipts.ts'
import { bytes4, inputTokens } from '#contract/bytes4.ts'
import type { Claim } from '#contract/receipt.ts'
import { exchangeFrame, type Envelope, type ExchangeFrame, type SupplierFrame } from '#contract/supplier.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'

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
  onJob: JobHandler = (job, supplier) => supplier.answer(job, ['Hello', ' there', '!'])
  welcome: Record<string, unknown> = {}
  handshakes: Record<string, unknown>[] = []
  socket!: WebSocket
  closed: Promise<{ code: number }> = Promise.resolve({ code: 0 })
  #session = ''
  #sent = 0
  #received = 0
  #unacknowledged: Envelope[] = []
  #waiters: Waiter[] = []

  constructor(url: string, key: SigningKey = generateSigningKey()) {
    this.url = url
    this.key = key
  }

  static async connect(url: string, key?: SigningKey): Promise<FakeSupplier> {
    const supplier = new FakeSupplier(url, key)
    await supplier.open()
    return supplier
  }

  /** Connects and shakes hands; with `resume` it takes the last session up again. */
  async open(options: { resume?: boolean } = {}): Promise<void> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/supplier/v1`, { perMessageDeflate: false })
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve({ code })))
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data) => {
        const value = JSON.parse((data as Buffer).toString()) as Record<string, unknown>
        if (value['t'] === 'challenge') {
          const text = `stoker-supplier-v1\n${String(value['nonce'])}\n${String(value['exchange'])}\n${this.key.publicKey}`
          const resume = options.resume === true ? { resume: { session: this.#session, received: this.#received } } : {}
          socket.send(
            JSON.stringify({
              t: 'hello',
              protocol: 1,
              supplier: this.key.publicKey,
              sig: this.key.sign(text),
              name: 'fake',
              client: 'test',
              ...resume,
            }),
          )
        } else if (value['t'] === 'welcome') {
          this.#welcomed(value)
          resolve()
        } else if (value['t'] === 'refused') reject(new Error(JSON.stringify(value['error'])))
        else this.#receive(value as unknown as Envelope)
      })
    })
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

  send(frame: SupplierFrame | Record<string, unknown>): void {
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

  offer(instrument: string, askNanoPerMtok: number, options: { slots?: number; deploymentId?: string } = {}): void {
    this.send({
      t: 'offer',
      instrument,
      deploymentId: options.deploymentId ?? 'dep_1',
      identity: IDENTITY,
      askNanoPerMtok,
      slots: options.slots ?? 1,
      contextTokens: 4_096,
      maxOutputTokens: 4_096,
    })
  }

  /** Accepts, streams the pieces, claims. */
  async answer(job: JobFrame, pieces: readonly string[], finish: Claim['finish'] = 'stop'): Promise<void> {
    this.send({ t: 'job.accept', jobId: job.jobId })
    for (const text of pieces) this.send({ t: 'job.delta', jobId: job.jobId, text })
    this.claim(job, pieces.join(''), finish)
  }

  claim(job: JobFrame, text: string, finish: Claim['finish'] = 'stop', change: Partial<Claim> = {}): void {
    const mac = (data: string): string =>
      createHmac('sha256', Buffer.from(job.salt, 'base64url')).update(data).digest('hex')
    const claim: Claim = {
      v: 1,
      jobId: job.jobId,
      supplier: this.key.publicKey,
      instrument: job.instrument,
      specVersion: job.specVersion,
      modelSha256: MODEL_SHA as never,
      usage: {
        inputTokens: inputTokens(job.request.messages),
        outputTokens: Math.min(bytes4(text), job.request.maxTokens),
      },
      timings: { ttftMs: 5, durationMs: 10 },
      requestMac: mac(canonicalJson(job.request)),
      answerMac: mac(text),
      finish,
      ...change,
    }
    const { claimSig } = signClaim(this.key, claim)
    this.send({ t: 'job.done', jobId: job.jobId, claim, claimSig })
  }

  #receive(envelope: Envelope): void {
    this.#forget(envelope.ack)
    if (envelope.seq === 0 || envelope.seq <= this.#received) return
    if (envelope.seq !== this.#received + 1)
      throw new Error(`the exchange skipped from ${this.#received} to ${envelope.seq}`)
    this.#received = envelope.seq
    const frame = exchangeFrame.parse(envelope.frame)
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
