/**
 * A seeded schedule of faults: what befalls which process, in which order, how long after the one before. Pure: the same
 * seed and count give the same list, so that a run that found something is run again.
 */
import { seeded } from '#test/support/hostile.ts'

export type Target = 'engine' | 'core' | 'exchange'

/** What a fault is; shares are of the time or the steps that the thing takes on this machine. */
export type FaultKind =
  /** SIGKILL. */
  | { kind: 'kill'; target: Target }
  /** SIGSTOP, and SIGCONT so much later. */
  | { kind: 'stop'; target: Target; forMs: number }
  /** SIGKILL, and another of the one that starts in its place. */
  | { kind: 'start'; target: Target; share: number }
  /** SIGKILL of two processes, one soon after the other. */
  | { kind: 'pair'; targets: readonly [Target, Target]; gapMs: number }
  /** SIGKILL at the commit of a receipt: just before, just after, or so many milliseconds later. */
  | { kind: 'settlement'; target: 'core' | 'exchange'; at: 'before' | 'after' | number }
  /** SIGKILL of the process that brings the folder of an earlier version up to date. */
  | { kind: 'migration'; share: number; laterMs: number }
  /** SIGKILL of `stoker restore`. */
  | { kind: 'restore'; share: number }

/** `waitMs` after the one before is over. */
export type Fault = FaultKind & { number: number; waitMs: number }

export interface ScheduleOptions {
  seed: number
  faults: number
  /** The longest stop, ms; the shortest is a second. */
  stopMaxMs?: number
}

export const STOP_MIN_MS = 1_000
export const STOP_MAX_MS = 40_000
/** Two kills count as one fault when they fall within this. */
export const PAIR_MS = 100
const WAIT_MAX_MS = 1_500
const AT_COMMIT_MAX_MS = 12
const LATER_MAX_MS = 30
const TARGETS: readonly Target[] = ['engine', 'core', 'exchange']
const KINDS: readonly FaultKind['kind'][] = ['kill', 'stop', 'start', 'pair', 'settlement', 'migration', 'restore']

/** Kinds come from a deck that is shuffled and dealt to its end, so that any seven in a row from its start hold all. */
export function faultSchedule({ seed, faults, stopMaxMs = STOP_MAX_MS }: ScheduleOptions): Fault[] {
  const random = seeded(seed)
  const int = (below: number): number => Math.floor(random() * below)
  const shuffled = <T>(list: readonly T[]): T[] => {
    const left = [...list]
    return Array.from(list, () => left.splice(int(left.length), 1)[0] as T)
  }
  const thing = (kind: FaultKind['kind']): FaultKind => {
    const [first, second] = shuffled(TARGETS) as [Target, Target, Target]
    switch (kind) {
      case 'kill':
        return { kind, target: first }
      case 'stop':
        return { kind, target: first, forMs: STOP_MIN_MS + int(stopMaxMs - STOP_MIN_MS + 1) }
      case 'start':
        return { kind, target: first, share: random() }
      case 'pair':
        return { kind, targets: [first, second], gapMs: int(PAIR_MS) }
      case 'settlement': {
        const target = random() < 0.5 ? 'core' : 'exchange'
        const draw = random()
        return { kind, target, at: draw < 0.25 ? 'before' : draw < 0.7 ? 'after' : int(AT_COMMIT_MAX_MS) }
      }
      case 'migration':
        return { kind, share: random(), laterMs: int(LATER_MAX_MS) }
      case 'restore':
        return { kind, share: random() }
    }
  }
  const deck: FaultKind['kind'][] = []
  return Array.from({ length: faults }, (_, index) => {
    if (deck.length === 0) deck.push(...shuffled(KINDS))
    const waitMs = int(WAIT_MAX_MS)
    return { number: index + 1, waitMs, ...thing(deck.shift()!) }
  })
}
