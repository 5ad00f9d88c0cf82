/**
 * The bare frames before the envelope: challenge, hello, welcome, refused. Wire format: docs/protocol.md, Connecting.
 */
import { fail, toErrorValue } from '#contract/errors.ts'
import { helloFrame, SUPPLIER_PROTOCOL_VERSION, type HelloFrame } from '#contract/supplier.ts'
import { verifySignature } from '#lib/ed25519.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { isParsable } from './frame-shape.ts'
import type { Peer, Wire } from './peer.ts'

export type Hello = HelloFrame

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

/** The text a supplier signs to prove its key. */
export const helloText = (nonce: string, exchange: string, supplier: string): string =>
  `stoker-supplier-v1\n${nonce}\n${exchange}\n${supplier}`

export const challenge = ({ key, clock }: ExchangeContext, nonce: string): object => ({
  t: 'challenge',
  protocol: SUPPLIER_PROTOCOL_VERSION,
  nonce,
  exchange: key.publicKey,
  time: clock.now(),
})

/** The hello, when its key signed this challenge. Errors: BAD_REQUEST, SIGNATURE_INVALID. */
export function readHello(value: unknown, nonce: string, exchange: string): Hello {
  const parsed = helloFrame.safeParse(value)
  if (!parsed.success) throw fail('exchange.helloFirst')
  const hello = parsed.data
  if (!verifySignature(hello.supplier, helloText(nonce, exchange, hello.supplier), hello.sig)) {
    throw fail('exchange.helloSignature')
  }
  return hello
}

export function welcome({ terms, specs, clock }: ExchangeContext, peer: Peer, resumed: boolean): object {
  const { realm, unit, feeBps, holdMs, heartbeatMs, resumeWithinMs } = terms
  return {
    t: 'welcome',
    session: peer.session,
    resumed,
    received: peer.link.received,
    heartbeatMs,
    resumeWithinMs,
    realm,
    currency: unit.code,
    feeBps,
    holdMs,
    specs: [...specs.values()],
    time: clock.now(),
  }
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
