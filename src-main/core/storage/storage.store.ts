/**
 * The disks under the records: what of the open databases cannot be written, is gone or damaged, told to the breaker,
 * which stops the sale, and once to the owner; what could not be written is written when the disk is back.
 */
import { inWords, type StokerError } from '#contract/errors.ts'
import type { VenueId } from '#contract/ids.ts'
import type { Reason } from '#contract/reasons.ts'
import type { CoreContext } from '#core/core-context.ts'
import { watchFiles } from '#db/file-health.ts'
import type { Db } from '#db/db-types.ts'

export interface StorageOptions {
  /** Files that are as their last owner left them in order; the others are checked. All of them where it is missing. */
  isClean?: ((path: string) => boolean) | undefined
  /** Every database is well again. */
  onBack: () => void
}

export interface StorageTrouble {
  /** Null for the machine's own database. */
  venueId: VenueId | null
  reason: Reason
}
export interface StorageListener {
  /** A commit failed, or a look says that the next would. May say the same again. */
  trouble(this: void, trouble: StorageTrouble): void
  /** A look found one of the databases well again. */
  back(this: void): void
}

export type Storage = ReturnType<typeof createStorage>

export function createStorage(
  { rigDb, clock, log, host }: Pick<CoreContext, 'rigDb' | 'clock' | 'log' | 'host'>,
  venues: readonly { venueId: VenueId; realmDb: Db }[],
  { isClean = () => true, onBack }: StorageOptions,
) {
  const listeners = new Set<StorageListener>()
  const books = [{ venueId: null, db: rigDb }, ...venues.map(({ venueId, realmDb }) => ({ venueId, db: realmDb }))]
  const dbs = books.map(({ db }) => db)
  const tell = (db: Db, { reason }: StokerError): void => {
    const venueId = books.find((one) => one.db === db)?.venueId ?? null
    for (const { trouble } of listeners) trouble({ venueId, reason })
  }
  const recordRemaining = (): void => {
    try {
      onBack()
    } catch (error) {
      log.warn({ err: error }, 'what was left to be written could not be written yet')
    }
  }
  const onChange = (trouble: StokerError | null, db: Db): void => {
    if (trouble === null) {
      if (health.trouble() === null) recordRemaining()
      for (const { back } of listeners) back()
    } else {
      host.notify('Stoker', inWords(trouble.reason))
      tell(db, trouble)
    }
  }
  const health = watchFiles({ dbs, clock, log, isClean, onChange })
  let offs: (() => void)[] = []
  return {
    start() {
      health.start()
      // A folder that is gone says more than the commit that failed for it.
      offs = dbs.map((db) => db.onTrouble((trouble) => tell(db, health.look(db) ?? trouble)))
    },
    stop() {
      for (const off of offs) off()
      health.stop()
    },
    /** What stands in the way of using this database, looked at now; null when nothing does. */
    look: (db: Db): Reason | null => health.look(db)?.reason ?? null,
    /** The first of the opened files that is gone or another one now; null when all are there. */
    gone: (): string | null => dbs.find((db) => health.look(db)?.reason.code === 'disk.gone')?.path ?? null,
    /** The returned function ends it. */
    listen(listener: StorageListener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
