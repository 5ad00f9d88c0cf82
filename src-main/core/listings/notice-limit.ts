/** How many notices of an exchange reach the owner's desktop: it is a stranger, and could send thousands. */
import { HOUR_MS, type Clock } from '#contract/time.ts'

const PER_HOUR = 10

export class NoticeLimit {
  readonly #clock: Pick<Clock, 'mono'>
  #shown: { at: number; text: string }[] = []

  constructor(clock: Pick<Clock, 'mono'>) {
    this.#clock = clock
  }

  /** True for a text that was not shown within the hour, while fewer than ten were. */
  take(text: string): boolean {
    const now = this.#clock.mono()
    this.#shown = this.#shown.filter(({ at }) => now - at < HOUR_MS)
    if (this.#shown.length >= PER_HOUR || this.#shown.some((one) => one.text === text)) return false
    this.#shown.push({ at: now, text })
    return true
  }
}
