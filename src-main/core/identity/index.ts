/** Who this rig is to an exchange: its key, and the history that hangs on it. */
import type { Clock } from '#contract/time.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import { notedKeys, readFolderHistory } from './own-keys.store.ts'
import { keyOfHistory } from './seller-key.ts'

export { noteOwnKey, readFolderHistory, type FolderHistory, type VenueHistory } from './own-keys.store.ts'
export { checkOfHistory, newSellerKey, replaceSellerKey, sellerKeyPath } from './seller-key.ts'

/**
 * The key of a data folder whose databases are up to date; a new one in a new folder, never where there is a history.
 * Errors: NOT_FOUND `key.missing`, CONFLICT `key.foreignHere`, BAD_REQUEST for a file that is no key, DB_*.
 */
export const openSellerKey = (dataDir: string, clock: Pick<Clock, 'now'>): SigningKey =>
  keyOfHistory(dataDir, {
    noted: () => notedKeys(dataDir),
    history: () => readFolderHistory(dataDir, clock.now()),
  })
