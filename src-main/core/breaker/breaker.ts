/**
 * What stops the sale, and when it goes on: decisions on plain values. Nothing here measures, waits or writes; the loop
 * is breaker.worker.ts, the self-checks are self-checks.ts.
 */
import type { ErrorCode } from '#contract/error-codes.ts'
import { because, type Reason } from '#contract/reasons.ts'
import { SECOND_MS, type EpochMs } from '#contract/time.ts'

import type { BreakerReport, SoldThrough } from './breaker.port.ts'
import { ACCIDENT_MS, CALM_MS, FAULTS_MAX, TRIGGERS, type TriggerKind } from './triggers.ts'

/** Something through which nothing is sold now. */
export interface Trip {
  readonly id: string
  readonly kind: TriggerKind
  /** Deployment, hash of the model, venue; empty for the whole rig. */
  readonly subject: string
  readonly reason: Reason
  readonly since: EpochMs
  /** Self-checks that failed, also before it stopped again within CALM_MS. */
  readonly checks: number
  /** Monotonic. */
  readonly checkAt: number
  readonly checking: boolean
  /** What the last self-check found; null before one. */
  readonly found: Reason | null
}
interface Streak {
  readonly accidents: number
  readonly jobs: number
  /** Of the last accident's first job, monotonic. */
  readonly at: number
}
export interface BreakerState {
  readonly trips: ReadonlyMap<string, Trip>
  /** By deployment. */
  readonly streaks: ReadonlyMap<string, Streak>
  /** What was let go: when (monotonic), and after how many checks. */
  readonly past: ReadonlyMap<string, { at: number; checks: number }>
}
export const CLOSED: BreakerState = { trips: new Map(), streaks: new Map(), past: new Map() }

export interface Moment {
  now: EpochMs
  mono: number
}

const MIB = 1_048_576
/** Deployments and trips of the past that are remembered; the oldest goes first. */
const KEPT_MAX = 1_000

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  const next = new Map(map)
  next.delete(key)
  const [oldest] = next.keys()
  if (oldest !== undefined && next.size >= KEPT_MAX) next.delete(oldest)
  return next.set(key, value)
}
function withoutEntry<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map
  const next = new Map(map)
  next.delete(key)
  return next
}

/** Before the next self-check, after so many that failed. */
export const checkPauseMs = (kind: TriggerKind, checks: number): number => {
  const { firstCheckMs, checkMaxMs } = TRIGGERS[kind]
  return Math.min(checkMaxMs, firstCheckMs * 2 ** Math.min(checks, 30))
}

interface Cause {
  kind: TriggerKind
  subject: string
  reason: Reason
}

/** What a report stops by itself; null for those that count (own faults, served jobs). */
function causeOf(what: BreakerReport, nameOf: (deploymentId: string) => string): Cause | null {
  switch (what.kind) {
    case 'silent-engine': {
      const params = { model: nameOf(what.deploymentId), seconds: Math.round(what.silentMs / SECOND_MS) }
      return { kind: what.kind, subject: what.deploymentId, reason: because('breaker.silentEngine', params) }
    }
    case 'memory-spill': {
      const params = { model: nameOf(what.deploymentId), mib: Math.round(what.bytes / MIB) }
      return { kind: what.kind, subject: what.deploymentId, reason: because('breaker.memorySpill', params) }
    }
    case 'broken-engine': {
      const params = { model: nameOf(what.deploymentId), found: what.found }
      return { kind: what.kind, subject: what.deploymentId, reason: because('breaker.brokenEngine', params) }
    }
    case 'changed-file': {
      const code = what.found === 'missing' ? 'breaker.fileMissing' : 'breaker.fileChanged'
      return { kind: what.kind, subject: what.sha256, reason: because(code, { path: what.path }) }
    }
    case 'books-not-writable': {
      const reason = because('breaker.booksNotWritable', { trouble: what.trouble })
      // The machine's own database says what is listed and deployed: without it nothing is sold anywhere.
      return { kind: what.kind, subject: what.venueId ?? '', reason }
    }
    case 'folder-gone':
      return { kind: what.kind, subject: '', reason: because('breaker.folderGone', { path: what.path }) }
    case 'key-gone':
      return { kind: what.kind, subject: '', reason: because('breaker.keyGone', { path: what.path }) }
    case 'own-fault':
    case 'served':
      return null
  }
}

function tripped(state: BreakerState, { kind, subject, reason }: Cause, { now, mono }: Moment): BreakerState {
  const id = `${kind} ${subject}`
  const known = state.trips.get(id)
  // A file that changed and then went: the newer reason, and nothing else.
  if (known !== undefined)
    return known.reason.code === reason.code
      ? state
      : { ...state, trips: withEntry(state.trips, id, { ...known, reason }) }
  const before = state.past.get(id)
  const checks = before !== undefined && mono - before.at < CALM_MS ? before.checks : 0
  const trip: Trip = {
    id,
    kind,
    subject,
    reason,
    since: now,
    checks,
    checkAt: mono + checkPauseMs(kind, checks),
    checking: false,
    found: null,
  }
  return { ...state, trips: withEntry(state.trips, id, trip) }
}

/** One more fault of our own; stops the sale when there are too many in a row. */
function faulted(
  state: BreakerState,
  { deploymentId, code }: { deploymentId: string; code: ErrorCode },
  nameOf: (deploymentId: string) => string,
  moment: Moment,
): BreakerState {
  const before = state.streaks.get(deploymentId) ?? { accidents: 0, jobs: 0, at: Number.NEGATIVE_INFINITY }
  const isNew = moment.mono - before.at >= ACCIDENT_MS
  const streak = {
    accidents: before.accidents + (isNew ? 1 : 0),
    jobs: before.jobs + 1,
    at: isNew ? moment.mono : before.at,
  }
  const next = { ...state, streaks: withEntry(state.streaks, deploymentId, streak) }
  if (streak.accidents < FAULTS_MAX) return next
  const params = { model: nameOf(deploymentId), faults: streak.jobs, code }
  const cause: Cause = { kind: 'own-faults', subject: deploymentId, reason: because('breaker.ownFaults', params) }
  return tripped(next, cause, moment)
}

/** The state after a report; the same object where nothing changed. */
export function reported(
  state: BreakerState,
  what: BreakerReport,
  nameOf: (deploymentId: string) => string,
  moment: Moment,
): BreakerState {
  if (what.kind === 'served') {
    const streaks = withoutEntry(state.streaks, what.deploymentId)
    return streaks === state.streaks ? state : { ...state, streaks }
  }
  if (what.kind === 'own-fault') return faulted(state, what, nameOf, moment)
  const cause = causeOf(what, nameOf)
  return cause === null ? state : tripped(state, cause, moment)
}

/** Why nothing may be sold through these: a folder that is gone and with it all else, what concerns the whole rig, then venue, model, deployment; null when it may. */
export function stoppedBy({ trips }: BreakerState, through: SoldThrough): Trip | null {
  const all = tripsThrough({ trips }, through)
  const order = ['rig', 'venue', 'model', 'deployment'] as const
  const rank = (trip: Trip): number => (trip.kind === 'folder-gone' ? -1 : order.indexOf(scopeOf(trip)))
  return all.toSorted((a, b) => rank(a) - rank(b))[0] ?? null
}

const scopeOf = ({ kind, subject }: Trip): 'deployment' | 'model' | 'venue' | 'rig' =>
  subject === '' ? 'rig' : TRIGGERS[kind].scope

export function tripsThrough({ trips }: Pick<BreakerState, 'trips'>, through: SoldThrough): Trip[] {
  const { deploymentId, sha256, venueId } = through
  const subjects = { rig: '', venue: venueId, model: sha256, deployment: deploymentId }
  return [...trips.values()].filter((trip) => subjects[scopeOf(trip)] === trip.subject)
}

/** Those whose self-check is due now. */
export const dueChecks = ({ trips }: BreakerState, mono: number): Trip[] =>
  [...trips.values()].filter(({ checking, checkAt }) => !checking && checkAt <= mono)

export function checkBegun(state: BreakerState, id: string): BreakerState {
  const trip = state.trips.get(id)
  return trip === undefined ? state : { ...state, trips: withEntry(state.trips, id, { ...trip, checking: true }) }
}

/** `found` null: all is well, and it is let go. */
export function checkEnded(state: BreakerState, id: string, found: Reason | null, mono: number): BreakerState {
  const trip = state.trips.get(id)
  if (trip === undefined) return state
  if (found === null) return letGo(state, id, mono)
  const checks = trip.checks + 1
  const next = { ...trip, checking: false, found, checks, checkAt: mono + checkPauseMs(trip.kind, checks) }
  return { ...state, trips: withEntry(state.trips, id, next) }
}

/** It may be sold again, by a self-check or by the owner's word; the faults before it are forgotten. */
export function letGo(state: BreakerState, id: string, mono: number): BreakerState {
  const trip = state.trips.get(id)
  if (trip === undefined) return state
  return {
    trips: withoutEntry(state.trips, id),
    streaks: trip.kind === 'own-faults' ? withoutEntry(state.streaks, trip.subject) : state.streaks,
    past: withEntry(state.past, id, { at: mono, checks: trip.checks + 1 }),
  }
}
