/** Copies of a database that lie beside it, so that no advice names one that does not exist. */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { fail, type StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'

const namesBeside = (path: string): string[] => {
  try {
    return readdirSync(dirname(path))
  } catch {
    return []
  }
}

/** `X.before-N`, made before a migration; the newest by its time of change. Null when there is none. */
export function newestCopy(path: string): string | null {
  const begins = `${basename(path)}.before-`
  const copies = namesBeside(path)
    .filter((name) => name.startsWith(begins) && /^\d+$/.test(name.slice(begins.length)))
    .map((name) => join(dirname(path), name))
    .flatMap((copy) => {
      const at = statSync(copy, { throwIfNoEntry: false })
      return at === undefined || at.size === 0 ? [] : [{ copy, at: at.mtimeMs }]
    })
  return copies.toSorted((a, b) => b.at - a.at)[0]?.copy ?? null
}

/** What to do about a damaged file. */
export function copyAdvice(path: string): Reason {
  const copy = newestCopy(path)
  return copy === null ? because('db.adviceNoCopy', { path }) : because('db.adviceCopy', { copy, path })
}

/** A file of no bytes is never ours: somebody, or a full disk, has cut it off. */
export const emptyFile = (path: string): StokerError =>
  fail('db.emptyFile', { path, advice: copyAdvice(path) }, { data: { path } })

/** Copies, and files that were to become a database, whose maker was killed. Only the folder's owner may call it. */
export function removeUnfinished(path: string): void {
  const name = basename(path)
  for (const other of namesBeside(path))
    if (
      other.startsWith(`${name}.`) &&
      /^(before-\d+\.tmp|new)(-journal|-wal|-shm)?$/.test(other.slice(name.length + 1))
    )
      rmSync(join(dirname(path), other), { force: true })
}
