/**
 * A market that exists for the tests only: jobs are fetched one by one and handed in once, no receipts are signed, it
 * pays in points of its own by an account page, and knows nobody's exam. Its hardships are switches.
 */
import { StokerError } from '#contract/errors.ts'

export interface ToyJob {
  id: string
  prompt: string
  maxTokens: number
  /** Milliseconds until it must be handed in. */
  ttlMs: number
}
interface Held extends ToyJob {
  state: 'queued' | 'popped' | 'done' | 'failed'
  text: string
  points: number
  pay: 'accrued' | 'available' | 'paid'
}

export class FakeToyServer {
  readonly key = 'toy-key'
  readonly jobs = new Map<string, Held>()
  /** Hand-ins as they came, repeated ones too. */
  readonly handedIn: string[] = []
  isDown = false
  /** The answer to a hand-in is lost on its way back. */
  losesAnswers = false
  /** Points that the account page shows beside what was said at hand-in. */
  shortBy = 0
  #count = 0

  queue(prompt: string, { maxTokens = 16, ttlMs = 60_000 } = {}): string {
    const id = `toy_${(this.#count += 1)}`
    this.jobs.set(id, { id, prompt, maxTokens, ttlMs, state: 'queued', text: '', points: 0, pay: 'accrued' })
    return id
  }

  #enter(key: string): void {
    if (this.isDown) throw new StokerError('UNAVAILABLE', 'fake: down')
    if (key !== this.key) throw new StokerError('UNAUTHORIZED', 'fake: no such key')
  }

  hello(key: string): void {
    this.#enter(key)
  }

  pop(key: string): ToyJob | null {
    this.#enter(key)
    const job = [...this.jobs.values()].find(({ state }) => state === 'queued')
    if (job === undefined) return null
    job.state = 'popped'
    return job
  }

  /** Points it brings. A second hand-in is refused. */
  handIn(key: string, id: string, text: string): number {
    this.#enter(key)
    const job = this.jobs.get(id)
    if (job === undefined || job.state !== 'popped') throw new StokerError('CONFLICT', 'fake: handed in already')
    this.handedIn.push(id)
    Object.assign(job, { state: 'done', text, points: 100 + text.length })
    if (this.losesAnswers) throw new StokerError('TIMEOUT', 'fake: the answer was lost')
    return job.points
  }

  fail(key: string, id: string): void {
    this.#enter(key)
    const job = this.jobs.get(id)
    if (job?.state === 'popped') job.state = 'failed'
  }

  /** Everything earned so far moves one step. */
  payOut(): void {
    for (const job of this.jobs.values())
      if (job.state === 'done') job.pay = job.pay === 'accrued' ? 'available' : 'paid'
  }

  /** The account page, as text. */
  account(key: string): string {
    this.#enter(key)
    const lines = [...this.jobs.values()]
      .filter(({ state }) => state === 'done')
      .map(({ id, points, pay }) => ({ id, points: points - this.shortBy, pay }))
    return JSON.stringify({ lines })
  }
}
