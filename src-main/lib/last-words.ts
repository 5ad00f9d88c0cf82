/** Why a process ended, by what it last wrote to standard error. */
const WORDS_MAX = 1_000

/** Lines of a log are JSON; below an error Node writes its stack and its own version. */
const saysNothing = (line: string): boolean => /^(\{|\}|\s|Node\.js v|$)/.test(line)

/** The last plain line of `text`, at most 1,000 characters; null when there is none. */
export function lastPlainLine(text: string): string | null {
  const line = text.split('\n').findLast((one) => !saysNothing(one))
  return line === undefined ? null : line.trim().slice(0, WORDS_MAX)
}
