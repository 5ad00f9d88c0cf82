/** What codes say, for tests that look at whole answers: every reason within a value becomes its English sentence. */
import { checkedReason } from '#contract/reasons.ts'
import { englishWords } from '#words/words.ts'

export type InEnglish<T> = T extends { code: string; params: object }
  ? string
  : T extends readonly (infer Each)[]
    ? InEnglish<Each>[]
    : T extends object
      ? { [K in keyof T]: InEnglish<T[K]> }
      : T

export function inEnglish<T>(value: T): InEnglish<T> {
  const reason = checkedReason(value)
  if (reason !== null) return englishWords.say(reason) as InEnglish<T>
  if (Array.isArray(value)) return value.map((each: unknown) => inEnglish(each)) as InEnglish<T>
  if (typeof value !== 'object' || value === null) return value as InEnglish<T>
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inEnglish(each)])) as InEnglish<T>
}
