/**
 * The committed list of survivors that no test can or need tell apart. It knows them by their text, not their line, so
 * that they may move.
 */
import { readFileSync } from 'node:fs'

import { z } from 'zod'

import { nameOf, type Mutant } from './find.ts'

const Entry = z.strictObject({
  file: z.string(),
  within: z.string(),
  code: z.string(),
  becomes: z.string(),
  /** Which of several that read the same in this function; 1 when left out. */
  nth: z.int().positive().default(1),
  reason: z.string().min(10),
})
export type Explained = z.infer<typeof Entry>

/** Error: the file is missing, malformed, or explains a mutant twice. */
export function readSurvivors(path: string): Explained[] {
  const entries = z.array(Entry).parse(JSON.parse(readFileSync(path, 'utf8')))
  const keys = entries.map(nameOf)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  if (twice !== undefined) throw new Error(`${path} explains a survivor twice: ${twice}`)
  return entries
}

/** The reason why a mutant may survive, or null. */
export function reasonsOf(explained: readonly Explained[]): (mutant: Mutant) => string | null {
  const reasons = new Map(explained.map((entry) => [nameOf(entry), entry.reason]))
  return (mutant) => reasons.get(nameOf(mutant)) ?? null
}

/** Entries that fit no mutant of the files looked at: the code they speak of has changed. */
export function staleOf(
  explained: readonly Explained[],
  mutants: readonly Mutant[],
  files: ReadonlySet<string>,
): Explained[] {
  const keys = new Set(mutants.map(nameOf))
  return explained.filter((entry) => files.has(entry.file) && !keys.has(nameOf(entry)))
}
