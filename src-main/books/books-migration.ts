/** The ledger's tables. Frozen once released. Triggers keep it append only, whoever writes. */
import type { Migration } from '#db/db-types.ts'

/** 2^51 nano-units, the bound of one amount and of one balance (contract/money.ts). */
const LIMIT = 2_251_799_813_685_248n

/**
 * One row per fact. `pending` holds an amount, `post` and `void` resolve it once; `currency` ties both accounts to one
 * currency.
 */
const TABLES = `
CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
  currency TEXT NOT NULL CHECK (currency IN ('USD', 'PCR', 'SIM')),
  credit_limited INTEGER NOT NULL CHECK (credit_limited IN (0, 1)),
  UNIQUE (id, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfers (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('direct', 'pending', 'post', 'void')),
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0 AND amount <= ${LIMIT}),
  code TEXT NOT NULL,
  job_id TEXT,
  at INTEGER NOT NULL,
  expires_at INTEGER CHECK ((expires_at IS NOT NULL) = (type = 'pending')),
  pending_id TEXT REFERENCES transfers (id) CHECK ((pending_id IS NOT NULL) = (type IN ('post', 'void'))),
  CHECK (debit <> credit),
  FOREIGN KEY (debit, currency) REFERENCES accounts (id, currency),
  FOREIGN KEY (credit, currency) REFERENCES accounts (id, currency)
) STRICT;
CREATE UNIQUE INDEX transfers_resolution ON transfers (pending_id) WHERE pending_id IS NOT NULL;
CREATE INDEX transfers_job ON transfers (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE pendings (
  id TEXT PRIMARY KEY REFERENCES transfers (id),
  reserved INTEGER NOT NULL CHECK (reserved > 0 AND reserved <= ${LIMIT}),
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'posted', 'voided')),
  posted INTEGER NOT NULL CHECK (posted >= 0 AND posted <= reserved AND (posted > 0) = (state = 'posted'))
) STRICT, WITHOUT ROWID;
CREATE INDEX pendings_open ON pendings (expires_at, id) WHERE state = 'open';

CREATE TABLE balances (
  account TEXT PRIMARY KEY REFERENCES accounts (id),
  debits INTEGER NOT NULL DEFAULT 0 CHECK (debits BETWEEN 0 AND ${LIMIT}),
  credits INTEGER NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND ${LIMIT}),
  pending_debits INTEGER NOT NULL DEFAULT 0 CHECK (pending_debits BETWEEN 0 AND ${LIMIT}),
  pending_credits INTEGER NOT NULL DEFAULT 0 CHECK (pending_credits BETWEEN 0 AND ${LIMIT})
) STRICT, WITHOUT ROWID;`

/** REPLACE deletes without firing delete triggers, hence the insert triggers as well. */
const TRIGGERS = `
CREATE TRIGGER accounts_no_update BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;
CREATE TRIGGER accounts_no_replace BEFORE INSERT ON accounts WHEN EXISTS (SELECT 1 FROM accounts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'accounts are append only'); END;

CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'transfers are append only'); END;
CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers BEGIN SELECT RAISE(ABORT, 'transfers are append only'); END;
CREATE TRIGGER transfers_no_replace BEFORE INSERT ON transfers WHEN EXISTS (SELECT 1 FROM transfers WHERE id = NEW.id OR seq = NEW.seq OR pending_id = NEW.pending_id)
BEGIN SELECT RAISE(ABORT, 'transfers are append only'); END;
CREATE TRIGGER transfers_resolve BEFORE INSERT ON transfers WHEN NEW.pending_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM transfers p WHERE p.id = NEW.pending_id AND p.type = 'pending' AND p.debit = NEW.debit AND p.credit = NEW.credit AND p.currency = NEW.currency AND NEW.amount <= p.amount)
BEGIN SELECT RAISE(ABORT, 'a resolution must fit its pending transfer'); END;

CREATE TRIGGER pendings_resolve_once BEFORE UPDATE ON pendings WHEN OLD.state <> 'open' OR NEW.id <> OLD.id OR NEW.reserved <> OLD.reserved
BEGIN SELECT RAISE(ABORT, 'a pending transfer is resolved once'); END;
CREATE TRIGGER pendings_no_delete BEFORE DELETE ON pendings BEGIN SELECT RAISE(ABORT, 'pending transfers are kept'); END;
CREATE TRIGGER pendings_no_replace BEFORE INSERT ON pendings WHEN EXISTS (SELECT 1 FROM pendings WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a pending transfer is resolved once'); END;
CREATE TRIGGER balances_no_delete BEFORE DELETE ON balances BEGIN SELECT RAISE(ABORT, 'balances are kept'); END;`

export const booksMigration: Migration = {
  id: 10,
  name: 'books',
  up(exec) {
    exec(TABLES)
    exec(TRIGGERS)
  },
}
