/** What the two sides of the supplier protocol sign to prove their keys: docs/protocol.md, Connecting. */
import { canonicalJson } from './canonical.ts'

/** A frame as it arrived: unknown fields of it are signed too. */
type Frame = Readonly<Record<string, unknown>>

const unsigned = ({ sig: _sig, ...rest }: Frame): string => canonicalJson(rest)

/** Version 1, by the supplier; the exchange signs nothing. */
export const helloText = (nonce: string, exchange: string, supplier: string): string =>
  `stoker-supplier-v1\n${nonce}\n${exchange}\n${supplier}`

/** Version 2, by the supplier: over the challenge's nonce and its own, which stands in the hello. */
export const helloTextV2 = (nonce: string, exchange: string, hello: Frame): string =>
  `stoker-supplier-v2\n${nonce}\n${exchange}\n${unsigned(hello)}`

/** Version 2, by the exchange, over both nonces. */
export const welcomeTextV2 = (nonce: string, supplierNonce: string, supplier: string, welcome: Frame): string =>
  `stoker-exchange-v2\n${nonce}\n${supplierNonce}\n${supplier}\n${unsigned(welcome)}`
