/** Both versions of the handshake as the supplier does it: what it sends, and what a welcome says. */
import { randomBytes } from 'node:crypto'

import type { z } from 'zod'

import type { PublicKey } from '#contract/ids.ts'
import { because, type Reason } from '#contract/reasons.ts'
import { handshakeFromExchange, type welcomeFrame } from '#contract/supplier.ts'
import {
  handshakeFromExchangeV2,
  type ChainHeads,
  type WelcomeFrameV2,
  type SupplierProtocol,
} from '#contract/supplier-v2.ts'
import type { EpochMs } from '#contract/time.ts'
import type { UnitCode } from '#contract/units.ts'
import type { VenueTerms } from '#core/venues/venue.port.ts'
import { verifySignature, type SigningKey } from '#lib/ed25519.ts'
import { helloText, helloTextV2, welcomeTextV2 } from '#lib/handshake-texts.ts'

export type Challenge = { nonce: string; exchange: PublicKey }

/** What a welcome says, whichever version it is of. */
export interface Greeting {
  protocol: SupplierProtocol
  session: string
  resumed: boolean
  received: number
  heartbeatMs: number
  resumeWithinMs: number
  /** Null in version 1, which bounds frames only. */
  windowBytes: number | null
  terms: Omit<VenueTerms, 'exchange'> & { unit: UnitCode }
  /** By the exchange's clock. */
  time: EpochMs
  /** Null in version 1. */
  epoch: number | null
  heads: ChainHeads | null
}

export interface HelloFacts {
  key: SigningKey
  name: string
  client: string
  now: EpochMs
  epoch: number
  instance: string
  takeover: boolean
  resume: { session: string; received: number } | null
}

/** As the exchange said it; throws where it is no frame of the handshake. */
export const parseHandshake = (protocol: SupplierProtocol, value: unknown) =>
  (protocol === 1 ? handshakeFromExchange : handshakeFromExchangeV2).parse(value)

/** The hello, and the nonce in it that the exchange has to sign; '' in version 1. */
export function helloOf(
  protocol: SupplierProtocol,
  { nonce, exchange }: Challenge,
  facts: HelloFacts,
): { hello: object; ownNonce: string } {
  const { key, name, client, now, epoch, instance, takeover } = facts
  const resume = facts.resume === null ? {} : { resume: facts.resume }
  if (protocol === 1) {
    const sig = key.sign(helloText(nonce, exchange, key.publicKey))
    return { hello: { t: 'hello', protocol, supplier: key.publicKey, sig, name, client, ...resume }, ownNonce: '' }
  }
  const ownNonce = randomBytes(32).toString('base64url')
  const hello = {
    t: 'hello',
    protocol,
    supplier: key.publicKey,
    nonce: ownNonce,
    time: now,
    epoch,
    instance,
    ...(takeover ? { takeover } : {}),
    name,
    client,
    features: [],
    ...resume,
  }
  return { hello: { ...hello, sig: key.sign(helloTextV2(nonce, exchange, hello)) }, ownNonce }
}

/** Null when the exchange signed the welcome over both nonces; version 1 proves nothing. */
export function welcomeProblem(
  raw: unknown,
  welcome: z.infer<typeof welcomeFrame> | WelcomeFrameV2,
  { nonce, exchange }: Challenge,
  { supplier, ownNonce }: { supplier: PublicKey; ownNonce: string },
): Reason | null {
  if (!('sig' in welcome)) return null
  const text = welcomeTextV2(nonce, ownNonce, supplier, raw as Record<string, unknown>)
  return verifySignature(exchange, text, welcome.sig) ? null : because('line.notSigned')
}

export function greetingOf(frame: z.infer<typeof welcomeFrame> | WelcomeFrameV2): Greeting {
  const { session, resumed, received, heartbeatMs, resumeWithinMs, realm, feeBps, holdMs, specs, time } = frame
  const common = { session, resumed, received, heartbeatMs, resumeWithinMs, time }
  const terms = { realm, feeBps, holdMs, specs }
  if ('currency' in frame)
    return {
      ...common,
      protocol: 1,
      windowBytes: null,
      terms: { ...terms, unit: frame.currency },
      epoch: null,
      heads: null,
    }
  const { unit, windowBytes, epoch, heads } = frame
  return { ...common, protocol: 2, windowBytes, terms: { ...terms, unit: unit.code }, epoch, heads }
}
