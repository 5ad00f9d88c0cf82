/**
 * Bytes kept for suppliers that have not acknowledged them, over all sessions. Beyond the bound the session that keeps
 * the most is given up: never the one that only happened to be sent something.
 */
export interface ByteHolder {
  /** Bytes kept for it now. */
  readonly heldBytes: number
  giveUp(reason: string): void
}

export class UnacknowledgedBytes {
  readonly #max: number
  readonly #holders = new Set<ByteHolder>()
  #total = 0

  constructor(max: number) {
    this.#max = max
  }

  get total(): number {
    return this.#total
  }

  /** `bytes` more are kept for `holder`; negative when it acknowledged some. */
  changed(holder: ByteHolder, bytes: number): void {
    this.#holders.add(holder)
    this.#total += bytes
    while (this.#total > this.#max) {
      const heaviest = this.#heaviest()
      if (heaviest === null) return
      this.left(heaviest)
      heaviest.giveUp('the exchange keeps too many bytes for suppliers that do not acknowledge them')
    }
  }

  /** A session is over; nothing is kept for it any more. */
  left(holder: ByteHolder): void {
    if (this.#holders.delete(holder)) this.#total -= holder.heldBytes
  }

  #heaviest(): ByteHolder | null {
    let found: ByteHolder | null = null
    for (const holder of this.#holders) if (found === null || holder.heldBytes > found.heldBytes) found = holder
    return found
  }
}
