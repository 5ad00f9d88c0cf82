/**
 * Ends a supplier's socket for good: nothing more of it is heard, and it is gone within a second whatever the other side
 * does. A closing handshake alone waits half a minute, with all that the other side does not read.
 */
import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import type { SupplierSocket } from './handshake.ts'

/** For the close frame on its way, and its answer. */
const GOODBYE_MS = 1_000
/** Behind so many bytes a close frame is not read in time. */
const UNREAD_BYTES = 65_536

export interface EndableSocket {
  /** True from the first `end` on: frames that still come are not for us. */
  readonly ended: boolean
  /** RFC 6455, section 7.4: the code and the reason reach whoever still reads. */
  end(code: number, reason: string): void
}

export function endableSocket(clock: ExchangeContext['clock'], socket: SupplierSocket): EndableSocket {
  let ended = false
  let stopTimer: () => void = () => undefined
  socket.on('close', () => stopTimer())
  return {
    get ended() {
      return ended
    },
    end(code, reason) {
      if (ended) return
      ended = true
      if (socket.bufferedAmount > UNREAD_BYTES) return socket.terminate()
      socket.close(code, reason)
      stopTimer = after(clock, GOODBYE_MS, () => socket.terminate())
    },
  }
}
