/** What a thread of the database room is asked, and what it answers. */
import type { ErrorValue } from '#contract/errors.ts'

import type { MigrationProgress } from './db-types.ts'

export type CheckDepth = 'quick' | 'full'

export interface CheckTask {
  readonly kind: 'check'
  readonly path: string
  readonly depth: CheckDepth
}

export interface MigrateTask {
  readonly kind: 'migrate'
  readonly path: string
  /** Every migration as the statements it runs: functions do not cross threads. */
  readonly migrations: readonly { readonly id: number; readonly name: string; readonly sql: readonly string[] }[]
}

export type DbTask = CheckTask | MigrateTask

export type DbWorkerMessage =
  | { readonly t: 'progress'; readonly progress: MigrationProgress }
  | { readonly t: 'done'; readonly result: unknown }
  | { readonly t: 'failed'; readonly error: ErrorValue }
