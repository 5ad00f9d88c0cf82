/** What a deployment did while it served, and how its parts stand, in words. Pure. */
import type { CalibrationView, Deployment } from '#contract/models.ts'
import { count, percent, tokPerS } from '#ui/format.ts'
import type { Tone } from '#ui/pill.tsx'

export const NOT_MEASURED = 'not measured yet'

/** One figure: its name, its value in words, and what stands behind it. */
export interface Measure {
  readonly name: string
  readonly value: string
  readonly foot: string | null
}

const speed = (value: number | null | undefined): string =>
  value === null || value === undefined ? NOT_MEASURED : tokPerS(value)

/** Share 0..1 of the prompt tokens that came from the cache; null before any prompt. */
export function cacheShare(cache: Deployment['cache']): number | null {
  const all = cache === null ? 0 : cache.cachedTokens + cache.evaluatedTokens
  return cache === null || all === 0 ? null : cache.cachedTokens / all
}

/** Prompt speed, speed of a stream alone and with every slot busy, and the cache. */
export function measuresOf({
  speed: measured,
  cache,
  settings: { slots },
}: Pick<Deployment, 'speed' | 'cache' | 'settings'>): Measure[] {
  const each = measured?.perStream[slots - 1] ?? null
  const share = cacheShare(cache)
  return [
    { name: 'Reads prompts', value: speed(measured?.promptTokensPerSecond), foot: null },
    { name: 'One stream', value: speed(measured?.perStream[0]), foot: null },
    ...(slots > 1
      ? [
          {
            name: `${slots} streams, each`,
            value: speed(each),
            foot: each === null ? null : `${tokPerS(each * slots)} in all`,
          },
        ]
      : []),
    {
      name: 'From cache',
      value: share === null ? 'no prompt yet' : percent(share, 0),
      foot: cache === null || share === null ? null : `of ${count(cache.cachedTokens + cache.evaluatedTokens)} tokens`,
    },
  ]
}

type PartState = Deployment['processes'][number]['state']
const LOCAL: Readonly<Record<PartState, Tone>> = {
  stopped: 'mute',
  starting: 'hot',
  ready: 'good',
  loaded: 'good',
  backoff: 'warn',
  broken: 'bad',
  unreachable: 'bad',
}
const WORDS: Readonly<Partial<Record<PartState, string>>> = { ready: 'started', backoff: 'starts again' }
const REMOTE: Readonly<Record<PartState, readonly [Tone, string]>> = {
  stopped: ['mute', 'not connected'],
  starting: ['hot', 'connecting'],
  ready: ['good', 'reachable'],
  loaded: ['good', 'reachable'],
  backoff: ['warn', 'tried again soon'],
  broken: ['bad', 'given up'],
  unreachable: ['bad', 'unreachable'],
}
/** A process or an endpoint: how it stands. */
export const partState = (kind: Deployment['engine']['kind'], state: PartState): readonly [Tone, string] =>
  kind === 'remote' ? REMOTE[state] : [LOCAL[state], WORDS[state] ?? state]

const plural = (number: number, word: string): string =>
  `${count(number)} ${word}${number === 1 ? '' : word.endsWith('s') ? 'es' : 's'}`
type Gpus = Deployment['settings']['gpus']
/** `2 processes on a GPU each, 8 threads`. */
export const setupWords = ({ processes, threads, gpus }: { processes: number; threads: number; gpus: Gpus }): string =>
  `${plural(processes, 'process')}${gpus === 'each' ? ' on a GPU each' : ''}, ${plural(threads, 'thread')}`

/** The core's word for every layer the model has. */
const ALL_LAYERS = 1_000

/** Settings as one line of words. */
export function settingsWords({ engine, settings }: Pick<Deployment, 'engine' | 'settings'>): string {
  const { slots, contextTokens, processes, threads, gpus, gpuLayers, kvType, flashAttention, batchTokens } = settings
  const size = `${plural(slots, 'slot')} of ${count(contextTokens)} tokens`
  if (engine.kind === 'remote') return `${size} on ${plural(engine.endpoints.length, 'server')}`
  const gpu =
    gpuLayers >= ALL_LAYERS
      ? 'all layers on the GPU'
      : gpuLayers === 0
        ? 'no layers on a GPU'
        : `${plural(gpuLayers, 'layer')} on the GPU`
  const special = [
    ...(kvType === 'f16' ? [] : [`cache ${kvType}`]),
    ...(flashAttention === 'auto' ? [] : [`flash attention ${flashAttention}`]),
  ]
  return [
    size,
    setupWords({ processes, threads, gpus }),
    gpu,
    `prompt batches of ${count(batchTokens)}`,
    ...special,
  ].join(' · ')
}

/** Points of a measurement as a table: a row for each setup, a column for each number of streams. */
export function calibrationTable({
  points,
  processes,
  threads,
}: Pick<CalibrationView, 'points' | 'processes' | 'threads'>): {
  streams: number[]
  rows: { processes: number; threads: number; best: boolean; rates: (number | null)[] }[]
} {
  const streams = [...new Set(points.map((point) => point.streams))].sort((a, b) => a - b)
  const setups = new Map(
    points.map((point) => [
      `${point.processes}x${point.threads}`,
      { processes: point.processes, threads: point.threads },
    ]),
  )
  const rows = [...setups.values()].sort((a, b) => a.processes - b.processes || a.threads - b.threads)
  const rateOf = (setup: { processes: number; threads: number }, many: number): number | null =>
    points.find(
      (point) => point.processes === setup.processes && point.threads === setup.threads && point.streams === many,
    )?.tokensPerSecond ?? null
  return {
    streams,
    rows: rows.map((setup) => ({
      ...setup,
      best: setup.processes === processes && setup.threads === threads,
      rates: streams.map((many) => rateOf(setup, many)),
    })),
  }
}

/** `2 processes, 14 threads, prompt batches of 256`. */
export const fasterWords = (measured: NonNullable<Deployment['measured']>): string =>
  `${setupWords(measured)}, prompt batches of ${measured.batchTokens}`
