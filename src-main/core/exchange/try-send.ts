/** Frames that need not arrive: after a reconnect sync or the next offer says what they would have said. */

import type { ExchangePort, ToVenue } from './exchange.port.ts'

/** False when the exchange is not reachable now. */
export function trySend(exchange: Pick<ExchangePort, 'send'>, frame: ToVenue): boolean {
  try {
    exchange.send(frame)
    return true
  } catch {
    return false
  }
}
