/**
 * Connections that have not shown who they are: a bounded number, and the oldest makes room for a new one. So sockets
 * that send nothing, or a body byte by byte, keep nobody out for as long as they last.
 */
import type { Socket } from 'node:net'

import { PendingSlots } from '#lib/by-address.ts'

/** Of one address, which on a rig of one's own is everybody; and of all. */
const UNPROVED_PER_ADDRESS = 64
const UNPROVED_MAX = 128

/** What is needed of a socket; under TLS the request has another object than the listener, with the same ends. */
type Ends = Pick<Socket, 'remoteAddress' | 'remotePort'>

export class Connections {
  readonly #slots = new PendingSlots(UNPROVED_PER_ADDRESS, UNPROVED_MAX)
  readonly #leave = new Map<string, () => void>()

  /** A connection was accepted. */
  opened(socket: Socket): void {
    const ends = endsOf(socket)
    const leave = this.#slots.begin(socket.remoteAddress ?? '', () => socket.destroy())
    this.#leave.set(ends, leave)
    socket.once('close', () => {
      leave()
      if (this.#leave.get(ends) === leave) this.#leave.delete(ends)
    })
  }

  /** The token or a session came over it: it no longer has to make room. */
  proved(socket: Ends): void {
    this.#leave.get(endsOf(socket))?.()
  }
}

const endsOf = ({ remoteAddress = '', remotePort = 0 }: Ends): string => `${remoteAddress} ${remotePort}`
