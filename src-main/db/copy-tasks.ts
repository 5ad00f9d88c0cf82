/** What the copying thread is told and what it tells. */

/**
 * `snapshot`: a database in use, as it is at one moment, by SQLite's own backup. `file`: a database at rest, byte for byte;
 * it must have the hash that is named. Either way the copy passes quick_check, or it does not count.
 */
export interface CopyTask {
  kind: 'snapshot' | 'file'
  from: string
  /** Does not exist yet; made with mode 0600. */
  to: string
  sha256?: string
}

/** Snapshots of one group are taken together, those of the next one when all of it is copied. */
export type CopyGroups = readonly (readonly CopyTask[])[]

export interface CopyProgress {
  /** The file's name, without its folder. */
  readonly file: string
  readonly step: 'copying' | 'checking'
  /** Pages, or bytes of a file; 0 of 0 where a step has no measure. */
  readonly done: number
  readonly total: number
}

export interface CopiedFile {
  readonly to: string
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Its `user_version`: the number of the last migration it has. */
  readonly version: number
}

/** Why a copy came to nothing. `code` is SQLite's or the system's. */
export interface CopyProblem {
  readonly kind: 'full' | 'damaged' | 'changed' | 'failed'
  readonly file: string
  readonly detail: string
}

/** The copies, or why there are none: then some files may lie there half made. */
export type CopyOutcome = { copied: CopiedFile[] } | { problem: CopyProblem }
