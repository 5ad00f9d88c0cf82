/**
 * How long each kind of child may take, and how often it is started again: one table for both modes. It is printed in
 * docs/processes.md, which a test compares with it.
 */

/** Time to end after each step, ms. A step that a caller does not take has 0. */
export interface EndTimes {
  /** Asked by a message or a closed channel. */
  readonly askMs: number
  /** Told by the signal that a process may handle. */
  readonly terminateMs: number
  /** Killed; the longest wait for the system to take it away. */
  readonly killMs: number
}

/** Pauses between attempts, each drawn from its upper half: many rigs that failed together do not return together. */
export interface Pauses {
  /** Before the next start after the first, second … failure in a row, ms; the last one repeats. */
  readonly pausesMs: readonly [number, ...number[]]
}

export interface ChildPolicy extends Pauses {
  /** From the start to the first sign that it is ready, ms, without the time in which it is busy with a stated task. */
  readonly readyMs: number
  /** When it is called silent, and when it is killed for it, ms; null where it is not watched. */
  readonly silence: { readonly saidMs: number; readonly killMs: number; readonly counts: 'with work' | 'always' } | null
  /** Who was ready so long has not failed: the count starts afresh, ms. Null where only success does that. */
  readonly healthyMs: number | null
  /** So many failures in a row and it is given up: of one that was never ready, and of one that was. Null: never. */
  readonly failuresMax: { readonly first: number | null; readonly later: number | null }
  readonly end: EndTimes
}

/** From the start to the first message. Longer is a hang: a busy machine with a slow disk takes half a minute. */
const READY_MS = 60_000
/** A kill takes effect at once, except for a process that waits for a dead disk. */
const KILL_MS = 4_000

export const CHILD_POLICIES = {
  /** Hosts of deployments; those that read headers and those that measure are the same. */
  engine: {
    readyMs: READY_MS,
    /**
     * A host with work sends its stats after a step, at most every 500 ms, and a step reads at most a piece of a
     * prompt: 128 tokens of a very large model on a slow processor are 30 s at 4 tokens a second, and where memory is
     * so short that it takes longer the machine serves nobody.
     */
    silence: { saidMs: 5_000, killMs: 60_000, counts: 'with work' },
    pausesMs: [250, 1_000, 4_000],
    healthyMs: null,
    failuresMax: { first: 3, later: 3 },
    end: { askMs: 600, terminateMs: 0, killMs: KILL_MS },
  },
  /** The embedded exchange. It pulses, so its silence counts always; large books may keep it from it for a minute. */
  exchange: {
    readyMs: READY_MS,
    silence: { saidMs: 25_000, killMs: 120_000, counts: 'always' },
    pausesMs: [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000],
    healthyMs: 30_000,
    /** Five take about four seconds and their starts, in which a killed owner's host lets go of folder and port. */
    failuresMax: { first: 5, later: null },
    end: { askMs: 3_000, terminateMs: 1_000, killMs: KILL_MS },
  },
  /**
   * Asks drivers; only where something hints at a GPU. A driver that hangs holds it, so that its silence counts while it is
   * asked; one that crashes it again and again is asked every five minutes, for ever: it may be updated.
   */
  sensors: {
    readyMs: READY_MS,
    silence: { saidMs: 5_000, killMs: 20_000, counts: 'with work' },
    pausesMs: [1_000, 10_000, 60_000, 300_000],
    healthyMs: 60_000,
    failuresMax: { first: null, later: null },
    end: { askMs: 300, terminateMs: 0, killMs: KILL_MS },
  },
  /** The core in the desktop shell; headless it is the process that the owner started. */
  core: {
    readyMs: READY_MS,
    silence: { saidMs: 25_000, killMs: 120_000, counts: 'always' },
    pausesMs: [500, 1_000, 2_000, 4_000, 8_000, 10_000],
    healthyMs: 30_000,
    failuresMax: { first: 6, later: 6 },
    /** It ends the exchange and the engines first, whose own times are in here. */
    end: { askMs: 10_000, terminateMs: 4_000, killMs: KILL_MS },
  },
} as const satisfies Record<string, ChildPolicy>

/** A model that one process of several refused after a crash (no memory at that moment) is offered to it again. */
export const RELOAD_PAUSES = { pausesMs: [1_000, 4_000, 15_000, 60_000] } as const satisfies Pauses

/** How often a child that is watched always says that it is there, ms: missed twice before it is called silent. */
export const PULSE_MS = 10_000

/** The pause before the next start, ms, after so many failures in a row; 1 for the first. `random` is on [0, 1). */
export const pauseAfter = ({ pausesMs }: Pauses, failures: number, random: () => number): number => {
  const full = pausesMs[Math.min(failures, pausesMs.length) - 1] ?? pausesMs[0]
  return Math.round(full * (0.5 + 0.5 * random()))
}

const seconds = (ms: number): string => `${ms / 1_000} s`
const each = (list: readonly number[]): string => `${list.map((ms) => ms / 1_000).join(', ')} s`

/** The table as docs/processes.md prints it. */
export function policyTable(): string {
  const rows = Object.entries<ChildPolicy>(CHILD_POLICIES).map(([kind, policy]) => [
    kind,
    seconds(policy.readyMs),
    policy.silence === null
      ? 'not watched'
      : `said after ${seconds(policy.silence.saidMs)}, killed after ${seconds(policy.silence.killMs)}, counts ${policy.silence.counts}`,
    each(policy.pausesMs),
    policy.healthyMs === null ? 'a finished job' : `${seconds(policy.healthyMs)} ready`,
    policy.failuresMax.first === null
      ? 'never'
      : `${policy.failuresMax.first} in a row${policy.failuresMax.later === null ? ' before it was ever ready; afterwards never' : ''}`,
    `${seconds(policy.end.askMs)} · ${policy.end.terminateMs === 0 ? '–' : seconds(policy.end.terminateMs)} · ${seconds(policy.end.killMs)}`,
  ])
  const head = [
    'child',
    'ready within',
    'silence',
    'pauses',
    'count begins afresh after',
    'given up after',
    'ask · terminate · kill',
  ]
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
