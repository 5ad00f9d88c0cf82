/**
 * Prices of cached input and of output beside that of input, which the old column holds. Rows of before had one price:
 * the three are equal.
 */
import type { Migration } from '#db/db-types.ts'

export const threePricesMigration: Migration = {
  id: 60,
  name: 'three prices',
  up(exec) {
    exec(`
      ALTER TABLE jobs ADD COLUMN cached_price INTEGER NOT NULL DEFAULT 0 CHECK (cached_price >= 0);
      ALTER TABLE jobs ADD COLUMN output_price INTEGER NOT NULL DEFAULT 0 CHECK (output_price >= 0);
      UPDATE jobs SET cached_price = price, output_price = price;
    `)
  },
}
