/** The one table of what stops the sale: within which time, what is tried before it goes on, and how often. */
import { MINUTE_MS, SECOND_MS } from '#contract/time.ts'

export interface Trigger {
  /** What is not sold through any more: one deployment, every deployment of a model, one venue, or all. */
  readonly scope: 'deployment' | 'model' | 'venue' | 'rig'
  /** From the cause to the offer's withdrawal, ms, at most. */
  readonly withinMs: number
  /**
   * Must succeed before it is offered again: a real short generation (by an engine started again where it had given up),
   * a hash of the file, a write to the books, a look at the folder, at the seller's key, or a count of what
   * lies in main memory.
   */
  readonly check: 'generate' | 'hash' | 'write' | 'look' | 'key' | 'count'
  /** Before the first self-check; each that fails doubles it, up to the bound. ms. */
  readonly firstCheckMs: number
  readonly checkMaxMs: number
  /** Whether the owner's word is enough (`relist`), or only makes the check run at once (`check`): it is a fact, no judgement. */
  readonly byHand: 'relist' | 'check'
}

export const TRIGGERS = {
  /** FAULTS_MAX accidents in a row without a job that was served. */
  'own-faults': {
    scope: 'deployment',
    withinMs: 10 * SECOND_MS,
    check: 'generate',
    firstCheckMs: 2 * SECOND_MS,
    checkMaxMs: 5 * MINUTE_MS,
    byHand: 'relist',
  },
  'silent-engine': {
    scope: 'deployment',
    withinMs: 5 * SECOND_MS,
    check: 'generate',
    firstCheckMs: SECOND_MS,
    checkMaxMs: MINUTE_MS,
    byHand: 'relist',
  },
  /** Parts of the model went over into main memory, where it is many times slower; two counts in a row say so. */
  'memory-spill': {
    scope: 'deployment',
    withinMs: 15 * SECOND_MS,
    check: 'count',
    firstCheckMs: 5 * SECOND_MS,
    checkMaxMs: 5 * MINUTE_MS,
    byHand: 'check',
  },
  /** It crashed too often in a row, and its supervisor starts it no more by itself. */
  'broken-engine': {
    scope: 'deployment',
    withinMs: 5 * SECOND_MS,
    check: 'generate',
    firstCheckMs: 5 * SECOND_MS,
    checkMaxMs: 5 * MINUTE_MS,
    byHand: 'check',
  },
  'changed-file': {
    scope: 'model',
    withinMs: 5 * SECOND_MS,
    check: 'hash',
    firstCheckMs: SECOND_MS,
    checkMaxMs: MINUTE_MS,
    byHand: 'check',
  },
  'books-not-writable': {
    scope: 'venue',
    withinMs: 10 * SECOND_MS,
    check: 'write',
    firstCheckMs: 2 * SECOND_MS,
    checkMaxMs: MINUTE_MS,
    byHand: 'check',
  },
  'folder-gone': {
    scope: 'rig',
    withinMs: 10 * SECOND_MS,
    check: 'look',
    firstCheckMs: 2 * SECOND_MS,
    checkMaxMs: MINUTE_MS,
    byHand: 'check',
  },
  /** What is earned can be claimed until the process ends, and by nobody after it. */
  'key-gone': {
    scope: 'rig',
    withinMs: 10 * SECOND_MS,
    check: 'key',
    firstCheckMs: 2 * SECOND_MS,
    checkMaxMs: 10 * SECOND_MS,
    byHand: 'check',
  },
} as const satisfies Record<string, Trigger>

export type TriggerKind = keyof typeof TRIGGERS

/** Accidents in a row that stop the sale. What fails within one second of the first is one accident: a crash ends every job at once. */
export const FAULTS_MAX = 3
export const ACCIDENT_MS = SECOND_MS
/** What stops again within this time goes on with the pauses it had reached. */
export const CALM_MS = 10 * MINUTE_MS
/** How long a self-check's generation may take; a rig that needs longer meets no grade's ceiling. */
export const GENERATE_MS = 20 * SECOND_MS
/** Silence and due checks, which cost nothing; files are looked at by those who have them open (core/storage, core/models). */
export const TICK_MS = 500
