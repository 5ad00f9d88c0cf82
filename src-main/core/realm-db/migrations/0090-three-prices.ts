/**
 * Prices of cached input and of output beside that of input, which the old column holds. Rows of before had one price:
 * the three are equal.
 */
import type { Migration } from '#db/db-types.ts'

export const threePricesMigration: Migration = {
  id: 90,
  name: 'three prices',
  up(exec) {
    exec(`
      ALTER TABLE jobs ADD COLUMN cached_price_nano INTEGER NOT NULL DEFAULT 0 CHECK (cached_price_nano >= 0);
      ALTER TABLE jobs ADD COLUMN output_price_nano INTEGER NOT NULL DEFAULT 0 CHECK (output_price_nano >= 0);
      UPDATE jobs SET cached_price_nano = price_nano, output_price_nano = price_nano;
      ALTER TABLE listings ADD COLUMN ask_cached_nano_per_mtok INTEGER NOT NULL DEFAULT 0 CHECK (ask_cached_nano_per_mtok >= 0);
      ALTER TABLE listings ADD COLUMN ask_output_nano_per_mtok INTEGER NOT NULL DEFAULT 0 CHECK (ask_output_nano_per_mtok >= 0);
      UPDATE listings SET ask_cached_nano_per_mtok = ask_nano_per_mtok, ask_output_nano_per_mtok = ask_nano_per_mtok;
    `)
  },
}
