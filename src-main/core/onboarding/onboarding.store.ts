/** The one row of the first run. */
import type { Onboarding } from '#contract/app.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

interface Row {
  step: Onboarding['step']
  skipped: 0 | 1
  started_at: number | null
  first_earning_at: number | null
}

export function readOnboarding(db: ReadDb): Onboarding | null {
  const row = db.prepare<Row>('SELECT step, skipped, started_at, first_earning_at FROM onboarding WHERE id = 1').get()
  return row === undefined
    ? null
    : { step: row.step, skipped: row.skipped === 1, startedAt: row.started_at, firstEarningAt: row.first_earning_at }
}

export function writeOnboarding(db: WriteDb, onboarding: Onboarding): void {
  db.prepare(`
    INSERT INTO onboarding (id, step, skipped, started_at, first_earning_at) VALUES (1, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET step = excluded.step, skipped = excluded.skipped, started_at = excluded.started_at, first_earning_at = excluded.first_earning_at
  `).run(onboarding.step, onboarding.skipped ? 1 : 0, onboarding.startedAt, onboarding.firstEarningAt)
}
