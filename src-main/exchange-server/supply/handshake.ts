/**
 * The bare frames before the envelope: challenge, hello, welcome, refused. Wire format: docs/protocol.md, Connecting, and
 * docs/protocol-1.md for version 1.
 */
import { fail, toErrorValue } from '#contract/errors.ts'
import { helloFrame, SUPPLIER_PROTOCOL_VERSION, type HelloFrame } from '#contract/supplier.ts'
import {
  helloFrameV2,
  type ChainHeads,
  type HelloFrameV2,
  type WelcomeFrameV2,
  type SupplierProtocol,
} from '#contract/supplier-v2.ts'
import { isSignedTime } from '#contract/time.ts'
import { verifySignature } from '#lib/ed25519.ts'
import { helloText, helloTextV2, welcomeTextV2 } from '#lib/handshake-texts.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { isParsable } from './frame-shape.ts'
import type { Peer, Wire } from './peer.ts'

export type Hello = HelloFrame | HelloFrameV2

/** What is needed of a socket of the `ws` package; the desktop app stands a message port behind it. */
export interface SupplierSocket {
  readonly bufferedAmount: number
  send(text: string): void
  close(code: number, reason: string): void
  terminate(): void
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

export const challenge = ({ key, clock }: ExchangeContext, protocol: SupplierProtocol, nonce: string): object => ({
  t: 'challenge',
  protocol: protocol === 1 ? SUPPLIER_PROTOCOL_VERSION : protocol,
  nonce,
  exchange: key.publicKey,
  time: Math.max(0, clock.now()),
})

/** The hello, when its key signed this challenge. Errors: BAD_REQUEST, SIGNATURE_INVALID. */
export function readHello(value: unknown, protocol: SupplierProtocol, nonce: string, exchange: string): Hello {
  const parsed = (protocol === 1 ? helloFrame : helloFrameV2).safeParse(value)
  if (!parsed.success) throw fail('exchange.helloFirst', { protocol })
  const hello = parsed.data
  const text =
    hello.protocol === 1
      ? helloText(nonce, exchange, hello.supplier)
      : helloTextV2(nonce, exchange, value as Record<string, unknown>)
  if (!verifySignature(hello.supplier, text, hello.sig)) throw fail('exchange.helloSignature')
  return hello
}

export interface WelcomeFacts {
  resumed: boolean
  /** Of the challenge. */
  nonce: string
  hello: Hello
  epoch: number
  heads: ChainHeads
}

/** Error: UNAVAILABLE where the exchange's clock says a time that nothing may be signed at. */
export function welcome(context: ExchangeContext, peer: Peer, facts: WelcomeFacts): object {
  const { terms, specs, clock, key } = context
  const { realm, unit, feeBps, holdMs, heartbeatMs, resumeWithinMs } = terms
  const { resumed, hello, nonce, epoch, heads } = facts
  const time = clock.now()
  if (!isSignedTime(time)) throw fail('clock.outOfRange', { at: time })
  const common = {
    t: 'welcome' as const,
    session: peer.session,
    resumed,
    received: peer.link.received,
    heartbeatMs,
    resumeWithinMs,
    realm,
    feeBps,
    holdMs,
    specs: [...specs.values()],
    time,
  }
  if (hello.protocol === 1) return { ...common, currency: unit.code }
  const unsigned: Omit<WelcomeFrameV2, 'sig'> = {
    ...common,
    protocol: 2,
    unit: { code: unit.code, scale: unit.scale },
    windowBytes: LIMITS.windowBytes,
    epoch,
    heads,
    features: [],
  }
  return { ...unsigned, sig: key.sign(welcomeTextV2(nonce, hello.nonce, hello.supplier, unsigned)) }
}

/** JSON of a text frame; undefined for anything else, which no schema accepts. */
export function parse(data: unknown): unknown {
  try {
    // With ws's default binaryType a message is one Buffer.
    return isParsable(data as Buffer) ? JSON.parse((data as Buffer).toString('utf8')) : undefined
  } catch {
    return undefined
  }
}

export function refuse(wire: Pick<Wire, 'send' | 'close'>, error: unknown): null {
  wire.send(JSON.stringify({ t: 'refused', error: toErrorValue(error) }))
  wire.close(1008, 'refused')
  return null
}
