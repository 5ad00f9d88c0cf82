/**
 * `stoker ledger check`: the pages of every database in the folder, then both sides of the books against each other.
 * What cannot be read is a problem in words, and what nobody compared is said.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { StokerError } from '#contract/errors.ts'
import { checkFile } from '#db/check-file.ts'
import { EXITS } from '#lib/exit-codes.ts'
import { finishInSlices, type WorkSlice } from '#lib/sliced.ts'

import { exchangeDirOf } from '../exchange-admin.ts'
import { auditSliced, type Audit } from './audit.ts'

export interface FolderAudit extends Audit {
  /** Files whose pages were checked, and how many lines each brought. */
  files: { file: string; damage: number }[]
}

export interface AuditFolderOptions {
  onSlice?: (slice: WorkSlice) => void
}

/** More venues than anybody sells on. */
const VENUES_MAX = 100
const PAGES_PART = 'pages of'

function databasesOf(dir: string): { name: string; path: string; isVenue: boolean }[] {
  const folder = join(dir, 'venues')
  const venues = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : []
  const own = ['rig.db', EMBEDDED_VENUE.file].map((name) => ({ name, path: join(dir, name), isVenue: false }))
  return [
    ...own,
    ...venues.slice(0, VENUES_MAX).map((name) => ({ name, path: join(folder, name), isVenue: true })),
    { name: 'exchange.db', path: join(exchangeDirOf(dir), 'exchange.db'), isVenue: false },
  ].filter(({ path }) => existsSync(path))
}

/** Errors: NOT_FOUND (no such folder, no books in it), CONFLICT, DISK_*, DB_FROM_FUTURE; damage is in the answer. */
export async function auditFolder(dir: string, { onSlice }: AuditFolderOptions = {}): Promise<FolderAudit> {
  const files: FolderAudit['files'] = []
  const problems: string[] = []
  const notCompared: string[] = []
  for (const { name, path, isVenue } of databasesOf(dir)) {
    const onTick = (seconds: number): void =>
      onSlice?.({ part: `${PAGES_PART} ${name}`, rows: 0, done: seconds, of: 0 })
    const found = await checkFile(path, 'full', { onTick })
    files.push({ file: name, damage: found.length })
    problems.push(...found.map((line) => `${name}: ${line}`))
    if (isVenue) notCompared.push(`the books of ${name} are checked in the console, which can ask that venue`)
  }
  const books = await auditBooksOf(dir, problems.length > 0, onSlice)
  const all = [...problems, ...books.problems]
  const open = [...notCompared, ...books.notCompared]
  return { ...books, ok: all.length === 0 && open.length === 0, problems: all, notCompared: open, files }
}

const NOTHING: Omit<Audit, 'problems'> = { ok: false, notCompared: [], ours: null, exchange: null, ahead: null }

/** Books on damaged pages are read as far as they go. */
async function auditBooksOf(dir: string, isDamaged: boolean, onSlice: AuditFolderOptions['onSlice']): Promise<Audit> {
  try {
    return await finishInSlices(auditSliced(dir), onSlice === undefined ? {} : { onSlice })
  } catch (error) {
    const isKnown = error instanceof StokerError && error.code === 'DB_CORRUPT'
    if (!isKnown && !isDamaged) throw error
    const why = error instanceof Error ? error.message : String(error)
    return { ...NOTHING, problems: [`the books could not be read to their end: ${why}`] }
  }
}

/** What `stoker ledger check` ends with. */
export function exitOfAudit({ problems, notCompared, files }: FolderAudit): number {
  if (files.some(({ damage }) => damage > 0)) return EXITS.damaged.exit
  if (problems.length > 0) return EXITS.failed.exit
  return notCompared.length > 0 ? EXITS.incomplete.exit : EXITS.ok.exit
}
