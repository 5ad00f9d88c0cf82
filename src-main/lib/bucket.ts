/** A bucket that refills with time: bounds how much of something one party may have. */
export class Bucket {
  #level: number
  #at: number
  readonly #burst: number
  readonly #perSecond: number

  constructor(burst: number, perSecond: number, mono: number) {
    this.#level = burst
    this.#burst = burst
    this.#perSecond = perSecond
    this.#at = mono
  }

  /** True when `cost` more is within the bound; what is refused costs nothing. */
  take(mono: number, cost = 1): boolean {
    this.#refill(mono)
    if (this.#level < cost) return false
    this.#level -= cost
    return true
  }

  /** As good as new: nothing was taken lately. */
  isFull(mono: number): boolean {
    this.#refill(mono)
    return this.#level >= this.#burst
  }

  #refill(mono: number): void {
    this.#level = Math.min(this.#burst, this.#level + ((mono - this.#at) * this.#perSecond) / 1_000)
    this.#at = mono
  }
}
