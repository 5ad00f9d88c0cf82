/**
 * The last step of a restore: what is in the folder now goes aside, what was staged takes its place. Written down before
 * it begins, so that whoever comes after a kill goes on with it to the end; before that line is written nothing of the
 * folder was touched.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { writeSecretFile } from '#lib/secret-file.ts'

import { makeFolder, syncFolder } from './disk.ts'

const JOURNAL = 'restoring.json'
/** Where the files wait that take their place, below the data folder. */
const STAGED = 'restore.partial'
const BYTES_MAX = 1_048_576

const name = z
  .string()
  .max(300)
  .regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*$/)
const journal = z.object({
  v: z.literal(1),
  /** Of `out`, what is here now goes to `aside`; of `in`, what waits takes its place. */
  phase: z.enum(['out', 'in']),
  aside: name,
  outgoing: z.array(name).max(10_000),
  incoming: z.array(name).max(10_000),
})
type Journal = z.infer<typeof journal>

export const stagedFolder = (dataDir: string): string => join(dataDir, STAGED)
export const isRestoreUnfinished = (dataDir: string): boolean => existsSync(join(dataDir, JOURNAL))

const write = (dataDir: string, value: Journal): void => {
  writeSecretFile(join(dataDir, JOURNAL), `${JSON.stringify(value)}\n`)
  syncFolder(dataDir)
}

/** From here on it is done, in this life or the next. */
export function beginSwap(dataDir: string, files: Pick<Journal, 'aside' | 'outgoing' | 'incoming'>): void {
  write(dataDir, { v: 1, phase: 'out', ...files })
}

function move(from: string, to: string): void {
  makeFolder(dirname(to))
  renameSync(from, to)
}

/**
 * Finishes a restore that a kill interrupted, or sweeps away what one left that had not come so far. Only the owner of
 * the folder may call it, before any database is opened. True when a restore was finished. Error: CONFLICT for a journal
 * that cannot be read.
 */
export function finishRestore(dataDir: string): boolean {
  const staged = stagedFolder(dataDir)
  const found = readJournal(dataDir)
  if (found !== null) swap(dataDir, found)
  if (existsSync(staged)) rmSync(staged, { recursive: true, force: true })
  return found !== null
}

function swap(dataDir: string, found: Journal): void {
  const aside = join(dataDir, found.aside)
  if (found.phase === 'out') {
    makeFolder(aside)
    for (const file of found.outgoing) if (existsSync(join(dataDir, file))) move(join(dataDir, file), join(aside, file))
    syncFolder(aside)
    write(dataDir, { ...found, phase: 'in' })
  }
  for (const file of found.incoming) {
    const waiting = join(stagedFolder(dataDir), file)
    if (existsSync(waiting)) move(waiting, join(dataDir, file))
  }
  for (const folder of new Set(found.incoming.map((file) => dirname(join(dataDir, file))))) syncFolder(folder)
  rmSync(join(dataDir, JOURNAL), { force: true })
  syncFolder(dataDir)
}

function readJournal(dataDir: string): Journal | null {
  const path = join(dataDir, JOURNAL)
  if (!existsSync(path)) return null
  try {
    if (statSync(path).size <= BYTES_MAX) return journal.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // Said below. It was written whole or not at all.
  }
  throw fail('restore.unfinished', { dataDir })
}
