/**
 * What a child says about itself to whoever started it, beside what it is for: that it is there, and that it is busy
 * with something which takes long. Why it ends is `statedEnd` (exit-codes.ts).
 */
import type { ChildTask, ChildWord } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'

import { PULSE_MS } from './child-policies.ts'

const TASKS: readonly ChildTask[] = ['migrating', 'checking', 'restoring']
const TEXT_MAX = 300

export const busyWith = (task: ChildTask, text: string): ChildWord => ({
  t: 'busy',
  task,
  text: text.slice(0, TEXT_MAX),
})
export const busyNoMore: ChildWord = { t: 'busy', task: null, text: '' }

/** A child's message as such a word; null when it is another one. */
export function childWord(message: unknown): ChildWord | null {
  const { t, task, text } = (message ?? {}) as { t?: unknown; task?: unknown; text?: unknown }
  if (t === 'alive') return { t }
  if (t !== 'busy' || typeof text !== 'string') return null
  const known = TASKS.find((one) => one === task)
  return known === undefined ? busyNoMore : busyWith(known, text)
}

/** Says every ten seconds that this process is there; ends with the signal, and never keeps the process alive. */
export async function pulse(clock: Clock, say: (word: ChildWord) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    say({ t: 'alive' })
    await clock.sleep(PULSE_MS, { signal, unref: true }).catch(() => undefined)
  }
}
