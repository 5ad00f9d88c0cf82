/** What a thread of the database room is asked, and what it answers. */
import type { ErrorValue } from '#contract/errors.ts'

import type { CopyGroups, CopyOutcome, CopyProgress } from './copy-tasks.ts'
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

export interface CopyGroupsTask {
  readonly kind: 'copy'
  readonly groups: CopyGroups
}

export type DbTask = CheckTask | MigrateTask | CopyGroupsTask

/** What each kind of task tells on its way, and what it ends with. */
interface DbTaskKinds {
  check: { progress: never; result: string[] }
  migrate: { progress: MigrationProgress; result: void }
  copy: { progress: CopyProgress; result: CopyOutcome }
}
export type ProgressOf<Task extends DbTask> = DbTaskKinds[Task['kind']]['progress']
export type ResultOf<Task extends DbTask> = DbTaskKinds[Task['kind']]['result']

export type DbWorkerMessage<Task extends DbTask = DbTask> =
  | { readonly t: 'progress'; readonly progress: ProgressOf<Task> }
  | { readonly t: 'done'; readonly result: ResultOf<Task> }
  | { readonly t: 'failed'; readonly error: ErrorValue }
