/** What the owner chose, and how far the first run got. Realm-free: nothing here is earned money. */
import type { Migration } from '#db/db-types.ts'

export const ownerMigration: Migration = {
  id: 10,
  name: 'owner',
  up(exec) {
    exec(`
      CREATE TABLE settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        rig_name TEXT NOT NULL CHECK (length(rig_name) BETWEEN 1 AND 80),
        kwh_price_nano INTEGER CHECK (kwh_price_nano >= 0),
        power_currency TEXT NOT NULL CHECK (power_currency IN ('USD', 'EUR', 'GBP', 'CHF', 'JPY', 'CAD', 'AUD')),
        watts_serving REAL CHECK (watts_serving >= 0),
        watts_idle REAL CHECK (watts_idle >= 0),
        theme TEXT NOT NULL CHECK (theme IN ('system', 'light', 'dark')),
        close_to_tray TEXT NOT NULL CHECK (close_to_tray IN ('ask', 'tray', 'quit')),
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE onboarding (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        step TEXT NOT NULL CHECK (step IN ('welcome', 'hardware', 'power', 'model', 'exam', 'ask', 'earning', 'done')),
        skipped INTEGER NOT NULL CHECK (skipped IN (0, 1)),
        started_at INTEGER,
        first_earning_at INTEGER
      ) STRICT;
    `)
  },
}
