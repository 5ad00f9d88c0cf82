/** Copies of the data folder: what the owner wants, what there is, and one more now. */
import { z } from 'zod'

import { epochMs, reason } from './primitives.ts'
import { method } from './scope.ts'

export const COPIES_MOST = 365
const path = z.string().min(1).max(1_024)

export const backupSettings = z.object({
  /** One copy a night. */
  automatic: z.boolean(),
  /** Where automatic ones go, an absolute path; null for the folder `backups` of the data folder. */
  folder: path.nullable(),
  /** How many automatic ones are kept at most. */
  keep: z.number().int().min(1).max(COPIES_MOST),
  /** How many bytes they take together at most. */
  bytesMax: z.number().int().min(1_000_000).max(1e15),
})
export type BackupSettings = z.infer<typeof backupSettings>

/** One copy that was tried; `problem` is null when it is good. */
export const backupEntry = z.object({
  startedAt: epochMs,
  endedAt: epochMs,
  automatic: z.boolean(),
  /** The copy, or the folder it should have gone to. */
  path: z.string(),
  bytes: z.number().int().min(0),
  problem: reason.nullable(),
})
export type BackupEntry = z.infer<typeof backupEntry>

export const backupStatus = z.object({
  settings: backupSettings,
  /** Where the next automatic copy goes. */
  folder: z.string(),
  /** False where that is the data folder itself: a lost disk takes both. */
  elsewhere: z.boolean(),
  /** The one that is being made; `done` and `total` are 0 where a step has no measure. */
  running: z
    .object({
      startedAt: epochMs,
      path: z.string(),
      file: z.string(),
      step: z.enum(['copying', 'checking']),
      done: z.number().int().min(0),
      total: z.number().int().min(0),
    })
    .nullable(),
  /** The newest good one that this rig made. */
  last: backupEntry.nullable(),
  /** The newest first, good or not. */
  recent: z.array(backupEntry).max(20),
  /** Automatic copies that lie there now. */
  kept: z.object({ copies: z.number().int(), bytes: z.number().int() }),
  /** Uploaded model files, which no copy holds. */
  models: z.object({ files: z.number().int(), bytes: z.number().int() }),
  /** This folder was put back from a copy; null when it never was. */
  restored: z.object({ at: epochMs, madeAt: epochMs, from: z.string() }).nullable(),
})
export type BackupStatus = z.infer<typeof backupStatus>

export const backupContract = {
  status: method('read', []).output(backupStatus),
  /**
   * Begins a copy and returns; `status` says how far it is and what came of it. Without `folder` it goes where automatic
   * ones go. Errors beside the common ones: NOT_FOUND (nothing to copy).
   */
  start: method('admin', ['NOT_FOUND'])
    .input(z.object({ folder: path.optional() }))
    .output(z.object({ startedAt: epochMs })),
  change: method('admin', []).input(backupSettings.partial()).output(backupSettings),
}
