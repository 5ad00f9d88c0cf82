/** Frames that need not arrive: after a reconnect sync or the next offer says what they would have said. */
import type { SupplierFrame } from '#contract/supplier.ts'

import type { ExchangePort } from './exchange.port.ts'

/** False when the exchange is not reachable now. */
export function trySend(exchange: Pick<ExchangePort, 'send'>, frame: SupplierFrame): boolean {
  try {
    exchange.send(frame)
    return true
  } catch {
    return false
  }
}
