/**
 * Preloaded into an exchange process by a fault test (`node --import`): ends it by SIGKILL at the commit of a receipt,
 * as the file that STOKER_TEST_KILL names says. The sources know nothing of it.
 */
import { readFileSync, rmSync } from 'node:fs'

import Database from 'better-sqlite3'

/**
 * `receipts`: how many more are booked before. `at`: just before the commit, just after it, before anything is sent, or
 * so many milliseconds later.
 */
export interface KillPlan {
  receipts: number
  at: 'before' | 'after' | number
}

const path = process.env['STOKER_TEST_KILL'] ?? ''
let holdsReceipt = false
let booked = 0

function planned(): KillPlan | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as KillPlan
  } catch {
    return null
  }
}

const die = (): void => {
  rmSync(path, { force: true })
  process.kill(process.pid, 'SIGKILL')
}

function atCommit(commit: () => unknown): unknown {
  const plan = holdsReceipt ? planned() : null
  if (holdsReceipt) booked += 1
  holdsReceipt = false
  const due = plan !== null && booked >= plan.receipts
  if (due && plan.at === 'before') die()
  const result = commit()
  if (due && plan.at === 'after') die()
  if (due && typeof plan.at === 'number') setTimeout(die, plan.at)
  return result
}

const prepare = Database.prototype.prepare
Database.prototype.prepare = function watched(this: Database.Database, sql: string) {
  const statement = prepare.call(this, sql)
  const run = statement.run.bind(statement) as (...args: unknown[]) => unknown
  if (sql === 'COMMIT') statement.run = (() => atCommit(run)) as typeof statement.run
  if (sql.startsWith('INSERT INTO receipts'))
    statement.run = ((...args: unknown[]) => {
      holdsReceipt = true
      return run(...args)
    }) as typeof statement.run
  return statement
} as typeof prepare
