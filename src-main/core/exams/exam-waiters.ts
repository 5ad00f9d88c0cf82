/** Who waits for the next change of one exam. Each waiter is woken once. */
export class Waiters {
  readonly #waiting = new Set<{ examId: string; wake: () => void }>()

  tell(examId: string): void {
    for (const waiter of this.#waiting) if (waiter.examId === examId) waiter.wake()
  }

  /** Resolves at the next change of this exam, or when the signal aborts. */
  next(examId: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const wake = (): void => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const waiter = { examId, wake }
      this.#waiting.add(waiter)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }
}
