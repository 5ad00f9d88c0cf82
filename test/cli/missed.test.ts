import { join } from 'node:path'

import { expect, it } from 'vitest'

import { missedCalls } from '#cli/demo/missed-calls.ts'
import { openDb } from '#db/open.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { insertCall, type CallOutcome } from '#exchange-server/store/calls.store.ts'
import { pino } from 'pino'
import { tempDir } from '#test/support/temp-dir.ts'

it('counts every call that did not end at its first asking, and no other (a demo that hid a second sending would not repeat)', async () => {
  const dir = tempDir()
  const exchange = await startExchange({ dir: join(dir, 'exchange'), listen: false, log: pino({ level: 'silent' }) })
  expect(missedCalls(dir)).toBe(0)
  await exchange.stop()
  const db = openDb({ path: join(dir, 'exchange', 'exchange.db'), migrations: exchangeMigrations })
  const outcomes: CallOutcome[] = ['done', 'done', 'cancelled', 'deadline', 'supplier-failed', 'dropped']
  db.tx((write) =>
    outcomes.forEach((outcome, at) =>
      insertCall(write, {
        jobId: `job_${at}`,
        supplier: 's',
        instrument: 'practice/text-nano',
        at,
        outcome,
        ttftMs: null,
        tokPerS: null,
        withinTtft: null,
        withinRate: null,
      }),
    ),
  )
  db.close()
  expect(missedCalls(dir)).toBe(3)
})
