/**
 * A real WebSocket server that speaks the exchange's side of the supplier protocol: handshake, envelopes, resume. It
 * decides nothing.
 */
import type { AddressInfo } from 'node:net'

import { WebSocketServer, type WebSocket } from 'ws'

import type { PublicKey } from '#contract/ids.ts'
import { SUPPLIER_PATH, supplierFrame, type ExchangeFrame, type SupplierFrame } from '#contract/supplier.ts'
import { generateSigningKey, verifySignature } from '#lib/ed25519.ts'

const SPEC = {
  instrument: 'practice/text-nano',
  version: 1,
  title: 'Text nano',
  provisional: true,
  caveat: 'a fake',
  level: 1,
  tokenizer: 'bytes4',
  limits: {
    intelligence: { floor: 0.7, target: 0.8 },
    families: {},
    ttftCeilingMs: 5_000,
    throughputFloorTokPerS: 10,
    contextTokens: 128,
    outputTokens: 64,
    errorRateCeiling: 0.05,
  },
}

export class FakeExchangeServer {
  readonly key = generateSigningKey()
  readonly frames: SupplierFrame[] = []
  readonly hellos: { supplier: PublicKey; signed: boolean; resume: boolean }[] = []
  /** What it says the time is. */
  clock = (): number => 1
  heartbeatMs = 60_000
  holdMs = 30_000
  resumable = true
  answerPings = true
  #server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: SUPPLIER_PATH })
  #socket: WebSocket | null = null
  #session: { id: string; sent: { seq: number; frame: ExchangeFrame }[]; next: number; received: number } | null = null
  #count = 0
  #waiters: { test: () => boolean; resolve: () => void }[] = []

  constructor() {
    this.#server.on('connection', (socket) => this.#greet(socket))
  }

  async ready(): Promise<string> {
    if (this.#server.address() === null) await new Promise((resolve) => this.#server.once('listening', resolve))
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}${SUPPLIER_PATH}`
  }

  /** Resolves once `test` holds; looked at after every frame and handshake. */
  until(test: () => boolean): Promise<void> {
    return test() ? Promise.resolve() : new Promise((resolve) => this.#waiters.push({ test, resolve }))
  }

  send(frame: ExchangeFrame): void {
    const session = this.#session!
    const entry = { seq: session.next, frame }
    session.next += 1
    session.sent.push(entry)
    this.#socket?.send(JSON.stringify({ ...entry, ack: session.received }))
  }

  sendRaw(text: string): void {
    this.#socket?.send(text)
  }

  drop(): void {
    this.#socket?.terminate()
    this.#socket = null
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #greet(socket: WebSocket): void {
    const nonce = 'n'.repeat(43)
    socket.send(
      JSON.stringify({ t: 'challenge', protocol: 1, nonce, exchange: this.key.publicKey, time: this.clock() }),
    )
    let greeted = false
    socket.on('message', (data) => {
      const value = JSON.parse((data as Buffer).toString('utf8'))
      if (greeted) this.#onEnvelope(value)
      else {
        greeted = true
        this.hellos.push({
          supplier: value.supplier,
          signed: verifySignature(
            value.supplier,
            `stoker-supplier-v1\n${nonce}\n${this.key.publicKey}\n${value.supplier}`,
            value.sig,
          ),
          resume: value.resume !== undefined,
        })
        this.#welcome(socket, value.resume)
      }
      this.#check()
    })
  }

  #welcome(socket: WebSocket, resume: { session: string; received: number } | undefined): void {
    this.#socket = socket
    const resumed = this.resumable && resume !== undefined && this.#session?.id === resume.session
    if (!resumed) this.#session = { id: `session-${(this.#count += 1)}`, sent: [], next: 1, received: 0 }
    const session = this.#session!
    socket.send(
      JSON.stringify({
        t: 'welcome',
        session: session.id,
        resumed,
        received: session.received,
        heartbeatMs: this.heartbeatMs,
        resumeWithinMs: 5_000,
        realm: 'practice',
        currency: 'PCR',
        feeBps: 500,
        holdMs: this.holdMs,
        specs: [SPEC],
        time: this.clock(),
      }),
    )
    if (resumed)
      for (const entry of session.sent.filter(({ seq }) => seq > resume.received))
        socket.send(JSON.stringify({ ...entry, ack: session.received }))
  }

  #onEnvelope(value: { seq: number; ack: number; frame?: unknown }): void {
    const session = this.#session!
    session.sent = session.sent.filter(({ seq }) => seq > value.ack)
    if (value.seq === 0 || value.seq <= session.received) return
    if (value.seq !== session.received + 1) throw new Error(`gap: ${value.seq} after ${session.received}`)
    session.received = value.seq
    const frame = supplierFrame.parse(value.frame)
    this.frames.push(frame)
    if (frame.t === 'ping' && this.answerPings) this.send({ t: 'pong', n: frame.n, time: this.clock() })
  }

  #check(): void {
    const done = this.#waiters.filter(({ test }) => test())
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter))
    for (const { resolve } of done) resolve()
  }
}
