/**
 * Sockets of suppliers: challenge, hello, welcome, then envelopes; resume within a few seconds; heartbeat; bounds on
 * everything an unauthenticated socket may send. Business lives behind `SessionEvents`. Wire format: docs/protocol.md.
 */
import { fail, inWords, StokerError, toErrorValue } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { PublicKey } from '#contract/ids.ts'
import { supplierFrame } from '#contract/supplier.ts'
import {
  CLOCKS_APART_SAID_MS,
  supplierFrameV2,
  type SupplierFrameV2,
  type SupplierProtocol,
} from '#contract/supplier-v2.ts'
import { isSignedTime, SECOND_MS } from '#contract/time.ts'

import { Bucket } from '#lib/bucket.ts'

import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { ADDRESS_BOUNDS, LIMITS } from '../exchange-limits.ts'
import { addressLimits, type AddressLimits } from './address-limits.ts'
import { endableSocket } from './end-socket.ts'
import { handlingCost, readingCost } from './frame-cost.ts'
import {
  challenge,
  parse,
  readHello,
  refuse,
  welcome,
  type Hello,
  type SupplierSocket,
  type WelcomeFacts,
} from './handshake.ts'
import { fromV1 } from './protocol-v1.ts'
import { admitStart, chainHeads } from './admission-of-keys.ts'
import { Peer, type Wire } from './peer.ts'
import type { Registry } from './supplier-registry.ts'
import { UnacknowledgedBytes } from './unacknowledged.ts'

export interface SessionEvents {
  /** The supplier proved its key; runs before the welcome is sent. */
  onArrival(supplier: PublicKey, name: string): void
  /** After the welcome; `resumed` keeps its jobs and offers. */
  onReady(peer: Peer, resumed: boolean): void
  onFrame(peer: Peer, frame: SupplierFrameV2): void
  /** It acknowledged something, perhaps. */
  onAcknowledged(peer: Peer): void
  /** The socket is gone but may come back: no new jobs for it. */
  onDetached(peer: Peer): void
  /** The session is over for good. */
  onDropped(peer: Peer): void
}

export interface SessionBounds {
  perAddress: boolean
  unacknowledgedBytes?: number | undefined
}

export class SupplierSessions {
  readonly #context: ExchangeContext
  readonly #registry: Registry
  readonly #events: SessionEvents
  readonly #stopResume = new Map<Peer, () => void>()
  readonly #sockets = new Set<SupplierSocket>()
  readonly #limits: AddressLimits
  readonly #bytes: UnacknowledgedBytes

  /**
   * `perAddress` false: no bounds by address; a proxy before the exchange has them. `unacknowledgedBytes` of all sessions
   * is lowered by tests only.
   */
  constructor(
    context: ExchangeContext,
    registry: Registry,
    events: SessionEvents,
    { perAddress, unacknowledgedBytes = LIMITS.unacknowledgedBytesInAll }: SessionBounds,
  ) {
    this.#bytes = new UnacknowledgedBytes(unacknowledgedBytes)
    this.#context = context
    this.#registry = registry
    this.#events = events
    this.#limits = addressLimits(ADDRESS_BOUNDS, perAddress)
  }

  /** Takes over a freshly upgraded socket that came from `address`; `protocol` is that of the path it came by. */
  greet(socket: SupplierSocket, protocol: SupplierProtocol = 2, address = ''): void {
    const { clock, ids, log } = this.#context
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', (error) => log.debug({ err: error }, 'supplier socket failed'))
    const line = endableSocket(clock, socket)
    const wire: Wire = {
      send: (text) => (line.ended ? undefined : socket.send(text)),
      close: (code, reason) => line.end(code, reason),
      get bufferedBytes() {
        return socket.bufferedAmount
      },
    }
    const no = (error: unknown): null => refuse(wire, error)
    const leaveAddress = this.#limits.sockets.enter(address)
    if (leaveAddress !== null) socket.on('close', leaveAddress)
    if (leaveAddress === null || this.#sockets.size > LIMITS.connections) {
      no(fail('exchange.connectionsFull'))
      return
    }
    const endHandshake = this.#limits.handshakes.begin(address, () => no(fail('exchange.connectionsFull')))
    const nonce = ids.secret(32)
    let peer: Peer | null = null
    let known = false
    const leaveUnauthenticated = (): void => {
      known = true
      endHandshake()
      stopTimer()
    }
    const stopTimer = after(clock, LIMITS.handshakeMs, () => no(fail('exchange.helloLate')))
    const bucket = new Bucket(LIMITS.frameBurst, LIMITS.framesPerSecond, clock.mono())
    socket.on('message', (data, isBinary) => {
      if (line.ended) return
      if (peer === null) {
        if (known) return
        leaveUnauthenticated()
        if (this.#limits.hellos.take(address, clock.mono()))
          peer = this.#admit(wire, { protocol, nonce }, isBinary ? null : parse(data))
        else no(fail('exchange.connectionsFull'))
      } else if (bucket.take(clock.mono(), readingCost((data as Buffer).byteLength)))
        this.#receive(peer, wire, bucket, isBinary ? null : parse(data))
      else tooFast(peer)
    })
    socket.on('close', () => {
      leaveUnauthenticated()
      if (peer !== null) this.#detach(peer, wire)
    })
    socket.send(JSON.stringify(challenge(this.#context, protocol, nonce)))
  }

  /** Ends every session and socket. */
  stop(): void {
    for (const peer of this.#registry.all()) this.#drop(peer)
    for (const socket of this.#sockets) socket.close(1001, 'the exchange stops')
    for (const socket of this.#sockets) socket.terminate()
  }

  /** Closes sockets that have been silent for three heartbeats. */
  sweep(): void {
    const silentSince = this.#context.clock.mono() - 3 * this.#context.terms.heartbeatMs
    for (const peer of this.#registry.all()) {
      if (peer.wire !== null && peer.lastHeardAt < silentSince) {
        peer.wire.close(1001, 'no heartbeat')
        this.#detach(peer, peer.wire)
      }
    }
  }

  #admit(wire: Wire, { protocol, nonce }: { protocol: SupplierProtocol; nonce: string }, value: unknown): Peer | null {
    const { key, clock, ids } = this.#context
    let hello: Hello
    let greeting: Omit<WelcomeFacts, 'resumed'>
    let moved: boolean
    try {
      if (!isSignedTime(clock.now())) throw fail('clock.outOfRange', { at: clock.now() })
      hello = readHello(value, protocol, nonce, key.publicKey)
      this.#events.onArrival(hello.supplier, hello.name)
      const start = admitStart(this.#context, hello)
      moved = start.moved
      greeting = { nonce, hello, epoch: start.epoch, heads: chainHeads(this.#context, hello.supplier) }
    } catch (error) {
      if (!(error instanceof StokerError)) this.#context.log.error({ err: error }, 'a supplier could not be registered')
      return refuse(wire, error)
    }
    const { supplier } = hello
    const old = this.#registry.get(supplier)
    if (old !== undefined && old.protocol === protocol && hello.resume?.session === old.session) {
      const missed = old.resumeFrom(hello.resume.received)
      if (missed !== null) {
        this.#resume(old, wire, hello.name)
        wire.send(JSON.stringify(welcome(this.#context, old, { ...greeting, resumed: true })))
        for (const frame of missed) old.write(frame)
        this.#event(() => this.#events.onReady(old, true))
        return old
      }
    }
    if (old !== undefined) this.#replace(old, moved)
    const peer: Peer = new Peer({
      protocol,
      session: ids.secret(16),
      supplier,
      name: hello.name,
      wire,
      mono: clock.mono(),
      onBroken: (reason) => this.#break(peer, reason),
      bytes: this.#bytes,
    })
    this.#registry.add(peer)
    wire.send(JSON.stringify(welcome(this.#context, peer, { ...greeting, resumed: false })))
    // The rig before it is told by its refusal when it comes again.
    if (moved && old !== undefined) notify(peer, 'act-now', because('exchange.keyTaken', { name: old.name }))
    this.#event(() => this.#events.onReady(peer, false))
    this.#compareClocks(peer, hello)
    return peer
  }

  #resume(peer: Peer, wire: Wire, name: string): void {
    this.#stopResume.get(peer)?.()
    this.#stopResume.delete(peer)
    const before = peer.wire
    peer.wire = wire
    peer.lastHeardAt = this.#context.clock.mono()
    before?.close(1001, 'resumed on another socket')
    this.#context.log.debug({ supplier: peer.supplier, name }, 'supplier resumed')
  }

  #receive(peer: Peer, wire: Wire, bucket: Bucket, value: unknown): void {
    if (peer.gone || peer.wire !== wire) return
    peer.lastHeardAt = this.#context.clock.mono()
    const received = peer.accept(value)
    if (received.kind === 'broken')
      this.#violation(peer, `a malformed envelope: ${received.reason}`, received.reason.startsWith('seq'))
    if (received.kind !== 'broken') this.#event(() => this.#events.onAcknowledged(peer))
    if (received.kind !== 'frame') return
    if (!bucket.take(this.#context.clock.mono(), handlingCost((received.frame as { t?: unknown } | null)?.t)))
      return tooFast(peer)
    const frame = readFrame(peer.protocol, received.frame)
    if (frame === null) this.#violation(peer, `a frame that is not in the protocol: ${describe(received.frame)}`, false)
    else this.#handle(peer, frame)
    if (peer.link.owedAcks >= LIMITS.ackEvery) peer.write(peer.link.acknowledge())
  }

  #handle(peer: Peer, frame: SupplierFrameV2): void {
    try {
      this.#events.onFrame(peer, frame)
    } catch (error) {
      if (!(error instanceof StokerError))
        this.#context.log.error({ err: error, frame: frame.t }, 'a supplier frame could not be handled')
      peer.send({ t: 'error', error: toErrorValue(error) })
    }
  }

  #violation(peer: Peer, what: string, fatal: boolean): void {
    peer.violations += 1
    peer.send({ t: 'error', error: { code: 'BAD_REQUEST', message: what.slice(0, 300), data: {} } })
    if (fatal || peer.violations >= LIMITS.violations) peer.wire?.close(1008, 'protocol broken')
  }

  /** What fails for one session, for a full disk or a row that cannot be read, ends neither others nor this process. */
  #event(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#context.log.error({ err: error }, 'what follows from a change of a session could not all be done')
    }
  }

  #detach(peer: Peer, wire: Wire): void {
    if (peer.wire !== wire) return
    peer.wire = null
    if (peer.gone) return
    this.#event(() => this.#events.onDetached(peer))
    this.#stopResume.set(
      peer,
      after(this.#context.clock, this.#context.terms.resumeWithinMs, () => this.#drop(peer)),
    )
  }

  #break(peer: Peer, reason: string): void {
    this.#context.log.warn({ supplier: peer.supplier }, reason)
    this.#drop(peer)
  }

  /** A supplier whose clock is wrong dates everything wrongly, and may not be able to book what it earned. */
  #compareClocks(peer: Peer, hello: Hello): void {
    const apartMs = hello.protocol === 1 ? 0 : hello.time - this.#context.clock.now()
    if (Math.abs(apartMs) <= CLOCKS_APART_SAID_MS) return
    const seconds = Math.round(Math.abs(apartMs) / SECOND_MS)
    notify(peer, 'act-soon', because(apartMs > 0 ? 'clock.supplierAhead' : 'clock.supplierBehind', { seconds }))
  }

  /** Another session of the same key: of the same start, or of another one, which the old rig's owner must hear of. */
  #replace(old: Peer, moved: boolean): void {
    if (moved) notify(old, 'act-now', because('exchange.keyLost'))
    this.#drop(old)
  }

  #drop(peer: Peer): void {
    if (peer.gone) return
    this.#stopResume.get(peer)?.()
    this.#stopResume.delete(peer)
    peer.left()
    this.#registry.remove(peer)
    peer.wire?.close(1001, 'the session is over')
    this.#event(() => this.#events.onDropped(peer))
  }
}

/** More than the socket's allowance: it says so and ends; the session may resume. */
function tooFast(peer: Peer): void {
  peer.send({ t: 'error', error: toErrorValue(fail('exchange.framesTooFast', { max: LIMITS.framesPerSecond })) })
  peer.wire?.close(1008, 'too many frames')
}

const notify = (peer: Peer, level: 'act-soon' | 'act-now', reason: Reason): void =>
  peer.send({ t: 'notice', level, text: inWords(reason), reason })

function readFrame(protocol: SupplierProtocol, value: unknown): SupplierFrameV2 | null {
  if (protocol === 2) return supplierFrameV2.safeParse(value).data ?? null
  const { data } = supplierFrame.safeParse(value)
  return data === undefined ? null : fromV1(data)
}

/** The kind of a frame, never its text. */
const describe = (frame: unknown): string => {
  const kind = (frame as { t?: unknown } | null)?.t
  return typeof kind === 'string' ? `t = ${JSON.stringify(kind.slice(0, 40))}` : 'it has no type t'
}
