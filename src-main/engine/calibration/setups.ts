/** Which setups are measured, and which of them is best. Pure. */
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
 * A setup is not chosen if its rate of a single stream is below this share of the best, however fast it is with all
 * slots: a seller also answers single calls.
 */
const SINGLE_SHARE = 0.85
/** Rates closer than this are equal. */
const TIE = 0.03
const TIE_BUSY = 0.25
const NEAR = 0.7

/**
 * 1, the powers of two, all cores but one, and all; the most first, because it is usually the best and the time may run
 * out.
 */
export function threadCounts(cores: number): number[] {
  const counts = new Set([1, cores, Math.max(1, cores - 1)])
  for (let power = 2; power < cores; power *= 2) counts.add(power)
  return [...counts].sort((a, b) => b - a)
}

/** Several processes with one thread each, and with all cores divided evenly. */
export function severalProcesses(cores: number, slots: number): Setup[] {
  return PROCESSES.filter((processes) => processes <= cores && processes <= slots).flatMap((processes) => {
    const all = Math.floor(cores / processes) * processes
    return [...new Set([all, processes])].map((threads) => ({ processes, threads, gpus: 'together' }))
  })
}

/**
 * One process on each of several GPUs, but no more than slots. It is the only setup compared with all GPUs together.
 */
export function oneEach(gpus: number, slots: number, threads: number): Setup[] {
  const processes = Math.min(gpus, slots, PROCESSES_MAX)
  return processes < 2 ? [] : [{ processes, threads, gpus: 'each' }]
}

/** Streams at which a setup is measured: all slots first, then one, then four. */
export const streamCounts = (slots: number): number[] => [...new Set([slots, 1, ...(slots > 4 ? [4] : [])])]

/** `gpus` needs no comparison: on a GPU machine several processes always have one GPU each. */
const rateOf = (points: readonly CalibrationPoint[], { processes, threads }: Setup, streams: number): number =>
  points.find((point) => point.processes === processes && point.threads === threads && point.streams === streams)
    ?.tokensPerSecond ?? 0

/**
 * Whether decodes with the most threads lose little against the best number: the governor then finds what suits each
 * step.
 */
export function nearly(
  points: readonly CalibrationPoint[],
  { decoding, most, slots }: { decoding: number; most: number; slots: number },
): boolean {
  const rate = (threads: number): number => rateOf(points, { processes: 1, threads, gpus: 'together' }, slots)
  return rate(most) >= rate(decoding) * NEAR
}

/**
 * The setup with the highest rate with all slots in use, among those good enough for a single stream. Among equals the
 * one with fewer processes, then fewer threads. On a machine that was busy meanwhile the figures mean little: then the
 * most threads, because the governor takes fewer while it must, and several processes only where they were far better.
 */
export function bestSetup(
  points: readonly CalibrationPoint[],
  setups: readonly Setup[],
  slots: number,
  quiet: boolean,
): Setup {
  const measured = setups.filter((setup) => rateOf(points, setup, slots) > 0 && rateOf(points, setup, 1) > 0)
  const most = Math.max(...measured.map(({ threads }) => threads))
  /** All the cores, except those that do not divide evenly. */
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
