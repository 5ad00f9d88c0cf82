/**
 * How much the fault suite does: a short sample in `npm run test:slow`, everything in `npm run test:faults`
 * (STOKER_FAULTS=full).
 */
const full = process.env['STOKER_FAULTS'] === 'full'

/** Kills of each process. */
export const ROUNDS = full ? 20 : 2
/** Kills of the exchange at the commit of a receipt. */
export const RECEIPT_KILLS = full ? 50 : 4
/** Hostile messages on each socket and each HTTP route. */
export const FRAMES = full ? 10_000 : 120
/** Completions bought in a row (test/load). */
export const JOBS = full ? 2_000 : 120
/** Jobs of the folder that is migrated, and kills of the process that migrates it. */
export const MIGRATED_JOBS = full ? 100_000 : 1_500
export const MIGRATION_KILLS = full ? 10 : 4
/** Jobs of the folder that is copied and restored, and kills of each. */
export const COPIED_JOBS = full ? 20_000 : 600
export const COPY_KILLS = full ? 20 : 3
/** How long an engine is stopped, s; a watchdog kills one that is silent with jobs for a minute. */
export const ENGINE_STOPPED_S = full ? 54 : 8
/** A whole suite's bound, in milliseconds. */
export const SUITE_MS = full ? 3_600_000 : 240_000
/** Faults by a seeded schedule; a number of one's own replays one. */
export const SCHEDULE = {
  seed: Number(process.env['STOKER_FAULTS_SEED'] ?? 1_010),
  faults: Number(process.env['STOKER_FAULTS_COUNT'] ?? (full ? 300 : 7)),
  /** The first that is suffered: a long schedule may be run in pieces. */
  from: Number(process.env['STOKER_FAULTS_FROM'] ?? 1),
  /** The longest stop, ms. */
  stopMaxMs: full ? 40_000 : 3_000,
  /** Jobs of the folders that are migrated and restored. */
  sideJobs: full ? 600 : 200,
  /** Each fault gets a line. */
  isTold: full,
}
