/** A bucket that refills with time: bounds how many frames one socket may send. */
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

  /** True when one more is within the bound. */
  take(mono: number): boolean {
    this.#level = Math.min(this.#burst, this.#level + ((mono - this.#at) * this.#perSecond) / 1_000)
    this.#at = mono
    if (this.#level < 1) return false
    this.#level -= 1
    return true
  }
}
