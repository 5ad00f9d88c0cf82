/** Which settings are measured, and which of them is best. Pure. */
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { CalibrationPoint } from '#core/engine/engines.port.ts'

import { PROCESSES_MAX } from '../pool/local-pool.ts'

export interface Setup {
  processes: number
  /** Of all processes together. */
  threads: number
  gpus: NonNullable<EngineSettings['gpus']>
}

const PROCESSES = [2, 4]
/**
 * A setting that gives a single stream so much less than the best one does is not chosen, however fast it is with all
 * slots: who sells also answers single calls.
 */
const SINGLE_SHARE = 0.85
/** Closer than this, two settings are equal. */
const TIE = 0.03
const TIE_BUSY = 0.25
const NEAR = 0.7

/**
 * 1, the powers of two, all cores but one, and all: most first, because what the most cannot do quickly the others
 * seldom need.
 */
export function threadCounts(cores: number): number[] {
  const counts = new Set([1, cores, Math.max(1, cores - 1)])
  for (let power = 2; power < cores; power *= 2) counts.add(power)
  return [...counts].sort((a, b) => b - a)
}

/** Several processes with a thread each, and with all cores shared out evenly. */
export function severalProcesses(cores: number, slots: number): Setup[] {
  return PROCESSES.filter((processes) => processes <= cores && processes <= slots).flatMap((processes) => {
    const all = Math.floor(cores / processes) * processes
    return [...new Set([all, processes])].map((threads) => ({ processes, threads, gpus: 'together' }))
  })
}

/**
 * One process on each of several GPUs, as many as there are slots for; nothing else is compared with all GPUs together.
 */
export function oneEach(gpus: number, slots: number, threads: number): Setup[] {
  const processes = Math.min(gpus, slots, PROCESSES_MAX)
  return processes < 2 ? [] : [{ processes, threads, gpus: 'each' }]
}

/** Streams at which a setup is measured: all slots first, then one, then four. */
export const streamCounts = (slots: number): number[] => [...new Set([slots, 1, ...(slots > 4 ? [4] : [])])]

/** On one machine the number of processes says whether each has a GPU: with all GPUs together it is one. */
const rateOf = (points: readonly CalibrationPoint[], { processes, threads }: Setup, streams: number): number =>
  points.find((point) => point.processes === processes && point.threads === threads && point.streams === streams)
    ?.tokensPerSecond ?? 0

/**
 * Whether decodes with the most threads lose little against the best number: the engine's own steps then find what
 * suits each.
 */
export function nearly(
  points: readonly CalibrationPoint[],
  { decoding, most, slots }: { decoding: number; most: number; slots: number },
): boolean {
  const rate = (threads: number): number => rateOf(points, { processes: 1, threads, gpus: 'together' }, slots)
  return rate(most) >= rate(decoding) * NEAR
}

/**
 * The most tokens a second with all slots in use, among those good enough for a single stream. Between equals the one
 * with fewer processes, then fewer threads. On a machine that was busy meanwhile the figures say little: as many
 * threads as were measured, because the engine steps down by itself while it must, and several processes only where
 * they were far better.
 */
export function bestSetup(
  points: readonly CalibrationPoint[],
  setups: readonly Setup[],
  slots: number,
  quiet: boolean,
): Setup {
  const measured = setups.filter((setup) => rateOf(points, setup, slots) > 0 && rateOf(points, setup, 1) > 0)
  const most = Math.max(...measured.map(({ threads }) => threads))
  /** All the cores, but for what cannot be shared out evenly. */
  const usesAll = ({ threads, processes }: Setup): boolean => threads + processes > most
  const single = Math.max(...measured.map((setup) => rateOf(points, setup, 1)))
  const fair = quiet
    ? measured.filter((setup) => rateOf(points, setup, 1) >= single * SINGLE_SHARE)
    : measured.filter(usesAll)
  const fastest = Math.max(...fair.map((setup) => rateOf(points, setup, slots)))
  const equal = fair.filter((setup) => rateOf(points, setup, slots) >= fastest * (1 - (quiet ? TIE : TIE_BUSY)))
  const [best] = equal.sort(
    (a, b) => a.processes - b.processes || (quiet ? a.threads - b.threads : b.threads - a.threads),
  )
  if (best === undefined) throw new Error('nothing was measured')
  return best
}
