/**
 * Bytes kept for suppliers that have not acknowledged them, over all sessions. Beyond the bound the session that keeps
 * the most is given up: never the one that only happened to be sent something.
 */
export interface KeptSession {
  /** Bytes kept for it now. */
  readonly heldBytes: number
  giveUp(reason: string): void
}

export class UnacknowledgedBytes {
  readonly #max: number
  readonly #sessions = new Set<KeptSession>()
  #total = 0

  constructor(max: number) {
    this.#max = max
  }

  get total(): number {
    return this.#total
  }

  /** `bytes` more are kept for `session`; negative when it acknowledged some. */
  changed(session: KeptSession, bytes: number): void {
    this.#sessions.add(session)
    this.#total += bytes
    while (this.#total > this.#max) {
      const heaviest = this.#heaviest()
      if (heaviest === null) return
      this.left(heaviest)
      heaviest.giveUp('the exchange keeps too many bytes for suppliers that do not acknowledge them')
    }
  }

  /** A session is over; nothing is kept for it any more. */
  left(session: KeptSession): void {
    if (this.#sessions.delete(session)) this.#total -= session.heldBytes
  }

  #heaviest(): KeptSession | null {
    let found: KeptSession | null = null
    for (const session of this.#sessions) if (found === null || session.heldBytes > found.heldBytes) found = session
    return found
  }
}
