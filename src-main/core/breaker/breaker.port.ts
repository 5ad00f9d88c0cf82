/** What the rest of Stoker tells the breaker: a cause through which nothing may be sold. Types only. */
import type { ErrorCode } from '#contract/error-codes.ts'
import type { VenueId } from '#contract/ids.ts'
import type { Reason } from '#contract/reasons.ts'

export type BreakerReport =
  /** A bought job failed, and not by its buyer or its exchange. */
  | { kind: 'own-fault'; deploymentId: string; code: ErrorCode }
  /** A bought job was served to its end: faults before it are not in a row any more. */
  | { kind: 'served'; deploymentId: string }
  | { kind: 'silent-engine'; deploymentId: string; silentMs: number }
  /** So many bytes of it went over from the GPU's memory into main memory while it served. */
  | { kind: 'memory-spill'; deploymentId: string; bytes: number }
  /** Its process crashed too often in a row; nothing starts it again but a self-check or the owner. */
  | { kind: 'broken-engine'; deploymentId: string; found: Reason }
  /** What lies at the model's place is another file, may be one (stamp or inode differ), or nothing. */
  | { kind: 'changed-file'; sha256: string; path: string; found: 'changed' | 'missing' }
  /** A write to the books failed, or would, or their pages are damaged. `venueId` null: the machine's own database. */
  | { kind: 'books-not-writable'; venueId: VenueId | null; trouble: Reason }
  | { kind: 'folder-gone'; path: string }
  /** The file of the seller's key is gone, unreadable or another key's. */
  | { kind: 'key-gone'; path: string }

/** Who may be asked why something is not sold, and told of it. */
export interface SoldThrough {
  /** Null for whatever the venue has: what concerns one deployment alone is left out. */
  deploymentId: string | null
  /** Of its model; null where it is not known. */
  sha256: string | null
  venueId: VenueId
}

export interface BreakerPort {
  /** Never throws; a repeated report costs nothing. */
  report(this: void, what: BreakerReport): void
  /** Why nothing may be sold through these now; null when it may. */
  why(this: void, through: SoldThrough): Reason | null
  /** Selling stopped somewhere, or may go on; the returned function ends that. */
  onChange(this: void, listener: () => void): () => void
  /**
   * The owner has read why. What rests on judgement (own faults, a silent engine) is let go at once; of the rest the
   * self-check runs now. Errors CONFLICT: nothing is stopped there, or a check says that it still is so.
   */
  relist(this: void, through: SoldThrough, instrument: string): Promise<void>
}
