/**
 * The disks under the records: while a database cannot be written, is gone or damaged, its venue sells nothing and its
 * owner is told once; what could not be written is written when the disk is back.
 */
import { inWords, type StokerError } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { CoreContext, VenueContext } from '#core/core-context.ts'
import { watchFiles } from '#db/file-health.ts'
import type { Db } from '#db/db-types.ts'

export interface StorageOptions {
  /** Files that are as their last owner left them in order; the others are checked. All of them where it is missing. */
  isClean?: (path: string) => boolean
  /** Every database is well again. */
  onBack: () => void
}

export type Storage = ReturnType<typeof createStorage>

export function createStorage(
  { rigDb, clock, log, host, events }: CoreContext,
  venues: readonly Pick<VenueContext, 'realmDb' | 'events'>[],
  { isClean = () => true, onBack }: StorageOptions,
) {
  const listeners = new Set<() => void>()
  const dbs: Db[] = [rigDb, ...venues.map(({ realmDb }) => realmDb)]
  const onChange = (trouble: StokerError | null): void => {
    if (trouble !== null) host.notify('Stoker', inWords(trouble.reason))
    else if (health.trouble() === null) {
      try {
        onBack()
      } catch (error) {
        log.warn({ err: error }, 'what was left to be written could not be written yet')
      }
    }
    for (const listener of listeners) listener()
    events.changed('listing')
    for (const { events: ofVenue } of venues) ofVenue.changed('listing')
  }
  const health = watchFiles({ dbs, clock, log, isClean, onChange })
  return {
    start: () => health.start(),
    stop: () => health.stop(),
    /** Why nothing can be sold from this database now; null when it can. */
    troubleOf: (realmDb: Db): Reason | null => (health.trouble(rigDb) ?? health.trouble(realmDb))?.reason ?? null,
    /** Called after every change; the returned function ends it. */
    onChange(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
