/** Every migration of exchange.db, in order. */
import { booksMigration } from '#books/books-migration.ts'
import type { Migration } from '#db/db-types.ts'

import { exchangeTables } from './migrations/0030-exchange.ts'
import { examSendings } from './migrations/0040-exam-sendings.ts'
import { unitsMigration } from './migrations/0050-units.ts'
import { threePricesMigration } from './migrations/0060-three-prices.ts'
import { flatExchangeQueries } from './migrations/0070-flat-queries.ts'
import { epochsMigration } from './migrations/0080-epochs.ts'
import { callsAndRefunds } from './migrations/0100-calls-and-refunds.ts'
import { sendingsInTime } from './migrations/0110-sendings-in-time.ts'
import { fewerExchangePages } from './migrations/0130-fewer-pages.ts'

export const exchangeMigrations: readonly Migration[] = [
  booksMigration,
  exchangeTables,
  examSendings,
  unitsMigration,
  threePricesMigration,
  flatExchangeQueries,
  epochsMigration,
  callsAndRefunds,
  sendingsInTime,
  fewerExchangePages,
]
