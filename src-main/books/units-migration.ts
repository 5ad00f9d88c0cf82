/**
 * Accounts that carry their unit, and turnover beyond one amount (decision 15). Rebuilds `accounts` and `balances` by
 * SQLite's steps (lang_altertable.html, section 7: foreign keys are off meanwhile and checked at the end); `transfers`
 * stays as it is. Frozen once released; both sides run it, each under its own number.
 */
import type { Migration } from '#db/db-types.ts'

/** 2^51: one amount, one balance, everything pending. */
const LIMIT = 2_251_799_813_685_248n
/** 2^62: all debits or all credits of an account. */
const TURNOVER = 4_611_686_018_427_387_904n

/** Every unit of before had nine decimals. `currency` is the unit's code. */
const ACCOUNTS = `
CREATE TABLE units (
  code TEXT PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 16),
  scale INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 9),
  kind TEXT NOT NULL CHECK (kind IN ('money', 'token', 'points')),
  UNIQUE (code, scale, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO units (code, scale, kind) SELECT DISTINCT currency, 9, iif(currency = 'USD', 'money', 'points') FROM accounts;

CREATE TABLE accounts_new (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  unit_kind TEXT NOT NULL,
  credit_limited INTEGER NOT NULL CHECK (credit_limited IN (0, 1)),
  UNIQUE (id, currency),
  FOREIGN KEY (currency, scale, unit_kind) REFERENCES units (code, scale, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO accounts_new (id, kind, currency, scale, unit_kind, credit_limited)
  SELECT a.id, a.kind, a.currency, u.scale, u.kind, a.credit_limited FROM accounts a JOIN units u ON u.code = a.currency;
DROP TABLE accounts;
ALTER TABLE accounts_new RENAME TO accounts;`

/** Pending amounts count as if posted. No sum here can pass 2^63. */
const BALANCES = `
CREATE TABLE balances_new (
  account TEXT PRIMARY KEY REFERENCES accounts (id),
  debits INTEGER NOT NULL DEFAULT 0 CHECK (debits BETWEEN 0 AND ${TURNOVER}),
  credits INTEGER NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND ${TURNOVER}),
  pending_debits INTEGER NOT NULL DEFAULT 0 CHECK (pending_debits BETWEEN 0 AND ${LIMIT}),
  pending_credits INTEGER NOT NULL DEFAULT 0 CHECK (pending_credits BETWEEN 0 AND ${LIMIT}),
  CHECK (debits + pending_debits - credits <= ${LIMIT}),
  CHECK (credits + pending_credits - debits <= ${LIMIT})
) STRICT, WITHOUT ROWID;
INSERT INTO balances_new (account, debits, credits, pending_debits, pending_credits)
  SELECT account, debits, credits, pending_debits, pending_credits FROM balances;
DROP TABLE balances;
ALTER TABLE balances_new RENAME TO balances;`

/** Dropping a table drops its triggers. REPLACE deletes without firing delete triggers, hence those on insert. */
const TRIGGERS = `
CREATE TRIGGER units_no_update BEFORE UPDATE ON units BEGIN SELECT RAISE(ABORT, 'units are append only'); END;
CREATE TRIGGER units_no_delete BEFORE DELETE ON units BEGIN SELECT RAISE(ABORT, 'units are append only'); END;
CREATE TRIGGER units_no_replace BEFORE INSERT ON units WHEN EXISTS (SELECT 1 FROM units WHERE code = NEW.code)
BEGIN SELECT RAISE(ABORT, 'units are append only'); END;

CREATE TRIGGER accounts_no_update BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;
CREATE TRIGGER accounts_no_replace BEFORE INSERT ON accounts WHEN EXISTS (SELECT 1 FROM accounts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;

CREATE TRIGGER balances_no_delete BEFORE DELETE ON balances BEGIN SELECT RAISE(ABORT, 'balances are kept'); END;`

export const unitsMigration = (id: number): Migration => ({
  id,
  name: 'units',
  up(exec) {
    exec(ACCOUNTS)
    exec(BALANCES)
    exec(TRIGGERS)
  },
})
