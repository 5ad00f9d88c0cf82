/**
 * Results on disk, so that a stopped run can continue: a finished cell is stored with a digest of everything that
 * decided it, and reused when the same is asked again.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

interface Stored {
  /** Of everything that decided the value. */
  digest: string
  value: unknown
}

export interface ResultStore {
  /** The stored value where `decidedBy` is the same; else it is made, and stored before this resolves. */
  once<T>(name: string, decidedBy: unknown, make: () => Promise<T>): Promise<T>
  /** Whether `once` would find it. */
  has(name: string, decidedBy: unknown): boolean
}

const digestOf = (decidedBy: unknown): string =>
  createHash('sha256').update(JSON.stringify(decidedBy)).digest('hex').slice(0, 16)

function read(path: string): Map<string, Stored> {
  if (!existsSync(path)) return new Map()
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Stored>))
  } catch {
    // A file that cannot be read counts as no results.
    return new Map()
  }
}

/** `fresh` forgets what is there. NaN is stored as null. */
export function openResultStore(path: string, { fresh }: { fresh: boolean }): ResultStore {
  if (fresh) rmSync(path, { force: true })
  mkdirSync(dirname(path), { recursive: true })
  const all = read(path)
  const find = (name: string, decidedBy: unknown): Stored | null => {
    const stored = all.get(name)
    return stored !== undefined && stored.digest === digestOf(decidedBy) ? stored : null
  }
  return {
    has: (name, decidedBy) => find(name, decidedBy) !== null,
    async once<T>(name: string, decidedBy: unknown, make: () => Promise<T>) {
      const stored = find(name, decidedBy)
      if (stored !== null) return stored.value as T
      const value = await make()
      all.set(name, { digest: digestOf(decidedBy), value })
      writeFileSync(`${path}.partial`, `${JSON.stringify(Object.fromEntries(all), null, 1)}\n`)
      renameSync(`${path}.partial`, path)
      return value
    },
  }
}
