/** How far a copy or a restore is: a line every two seconds, whatever it is at. */
import type { CopyProgress } from '#db/copy-databases.ts'
import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'

const LINE_EVERY_MS = 2_000

/** One line for the owner. */
export function copyLine(what: string, { file, step, done, total }: CopyProgress): string {
  if (step === 'checking') return `${what}: checking ${file}`
  const percent = total === 0 ? '' : `, ${Math.floor((100 * done) / total)} %`
  return `${what}: ${file}${percent}`
}

/** Says where it stands until `stop`. `current` is asked before each line; null says nothing. */
export function tellProgress(
  clock: Clock,
  what: string,
  current: () => CopyProgress | null,
  say: (line: string) => void,
): { stop(): void } {
  const line = (): void => {
    const progress = current()
    if (progress !== null) say(copyLine(what, progress))
  }
  return every(clock, LINE_EVERY_MS, line, { onError: () => undefined })
}
