/** Electricity: watts now, energy by quarter hour, and what a job and a million tokens cost of it. */
import { availableParallelism } from 'node:os'

import { nano } from '#contract/money.ts'
import { DAY_MS, MINUTE_MS, QUARTER_MS, SECOND_MS, type EpochMs } from '#contract/time.ts'
import type { CoreContext, MeasuredValue, PowerService } from '#core/core-context.ts'
import type { SettingsService } from '#core/settings/index.ts'
import { every, type Loop } from '#lib/every.ts'

import { createEnergy, type Energy } from './energy.ts'
import { createWattGauge, type WattGauge } from './watt-gauge.ts'
import { energyByWeekHour, type CurrencyEnergy, type GpuEnergy, type HourEnergy } from './power.store.ts'
import { costOf, costOfJobTime, perMillion, rateOf } from './power.ts'
import { systemSources, type PowerSources } from './power-sources.ts'

export { type CurrencyEnergy, type GpuEnergy, type HourEnergy, WEEK_HOUR } from './power.store.ts'
export { perMillion } from './power.ts'
export type { PowerSources } from './power-sources.ts'

const SAMPLE_MS = 5 * SECOND_MS
const TELL_MS = MINUTE_MS
/** Whoever reads has it written before; a kill forgets at most so much. */
const WRITE_MS = 5 * MINUTE_MS
/** Recent work, for the cost of a million tokens. */
const RECENT_MS = 7 * DAY_MS
const METHOD_MAX = 120

export type PowerContext = Pick<CoreContext, 'os' | 'rigDb' | 'clock' | 'log' | 'events'>
export interface PowerDeps {
  settings: Pick<SettingsService, 'current'>
  /** Billed tokens and job time settled in the quarter hours that begin in [from, to), from the rollups. */
  billed(from: EpochMs, to: EpochMs): { tokens: number; servedMs: number }
  /** Jobs running now, exactly: an engine's own count is seconds old and misses short jobs. */
  running(): number
  /** What the models in memory run on, as their engines name it. */
  devices(): readonly string[]
  sources?: PowerSources
  cores?: number
}

export interface PowerLedger extends PowerService {
  /** Energy of the quarter hours that begin in [from, to), of every currency; '' is energy without a price. */
  sums(from: EpochMs, to: EpochMs): CurrencyEnergy[]
  /** The part of it that GPUs took whose meter reads each by itself. */
  gpus(from: EpochMs, to: EpochMs): GpuEnergy[]
  /** The sums by hour of the week (0 is Monday from midnight) of a clock that is `offset` ms ahead of UTC. */
  weekHours(from: EpochMs, to: EpochMs, offset: number): HourEnergy[]
  /** How it was come by: at most `limit` methods, the newest first. */
  methods(from: EpochMs, to: EpochMs, limit: number): string[]
  /** The owner's power currency. */
  currency(): string
  /** Whether the owner has said what electricity costs. */
  isPriced(): boolean
  /**
   * Nano-units of so much job time, at the rate seen in `rows`; by the estimate (one job at a time) where no job was
   * seen; null without a price.
   */
  costOfJobs(rows: readonly CurrencyEnergy[], jobMs: number): number | null
}

const quarterOf = (at: EpochMs): EpochMs => Math.floor(at / QUARTER_MS) * QUARTER_MS

function createLedger({ clock, rigDb }: PowerContext, deps: PowerDeps, gauge: WattGauge, energy: Energy): PowerLedger {
  const currency = (): string => deps.settings.current().powerCurrency
  const watts = (): MeasuredValue => {
    const { watts, method } = gauge.now(gauge.running())
    return { value: watts, method: method.slice(0, METHOD_MAX), at: gauge.at() }
  }
  const costOfJobs = (rows: readonly CurrencyEnergy[], jobMs: number): number | null => {
    const seen = costOfJobTime(rateOf(rows, currency()), jobMs)
    const { kwhPriceNano } = deps.settings.current()
    const { measured, watts } = gauge.now(1)
    if (seen !== null || measured || kwhPriceNano === null) return seen
    return costOf((Math.max(0, watts - gauge.idle().watts) * jobMs) / 1_000, kwhPriceNano, 0).nano
  }
  return {
    sums: (from, to) => energy.sums(from, to),
    gpus: (from, to) => energy.gpus(from, to),
    // Of what is written: a week does not wait for its last minutes.
    weekHours: (from, to, offset) => energyByWeekHour(rigDb.read, { from, to, offset }),
    methods: (from, to, limit) => energy.methods(from, to, limit),
    currency,
    isPriced: () => deps.settings.current().kwhPriceNano !== null,
    costOfJobs,
    watts,
    perMtok() {
      const to = quarterOf(clock.now()) + QUARTER_MS
      const rows = energy.sums(to - RECENT_MS, to)
      const { tokens, servedMs } = deps.billed(to - RECENT_MS, to)
      const cost = costOfJobs(rows, servedMs)
      const perMtok = cost === null ? null : perMillion(cost, tokens)
      return {
        nanoPerMtok: perMtok === null ? null : nano(perMtok),
        currency: currency(),
        method: `electricity above idle while serving, last 7 days; ${energy.methods(to - RECENT_MS, to, 1)[0] ?? watts().method}`,
      }
    },
    ofJob({ startedAt, endedAt }) {
      const cost = costOfJobs(energy.sums(quarterOf(startedAt), endedAt), Math.max(0, endedAt - startedAt))
      return cost === null ? null : nano(cost)
    },
  }
}

export function createPower(context: PowerContext, deps: PowerDeps) {
  const { clock, events } = context
  const sources = deps.sources ?? systemSources()
  const gauge = createWattGauge(context, deps.settings, {
    cores: deps.cores ?? availableParallelism(),
    running: () => deps.running(),
    devices: () => deps.devices(),
  })
  const energy = createEnergy(context, deps.settings, gauge)
  const ledger = createLedger(context, deps, gauge, energy)
  const stopping = new AbortController()
  let unsubscribe: () => void = () => undefined
  let sampling: Loop | null = null
  let samples = 0

  const markIfOn = (): void => {
    if (!stopping.signal.aborted) energy.mark()
  }
  const sample = async (): Promise<void> => {
    samples += 1
    await gauge.read(sources)
    energy.mark()
    if (samples % (WRITE_MS / SAMPLE_MS) === 0) energy.write()
    if (samples % (TELL_MS / SAMPLE_MS) === 0) events.changed('power')
  }

  return {
    ...ledger,
    currentWatts: () => ledger.watts(),
    powerNanoPerMtok: () => ledger.perMtok().nanoPerMtok,
    api: {
      power: context.os.app.power.handler(() => {
        const idle = gauge.idle()
        return {
          watts: ledger.watts(),
          idle: { value: idle.watts, method: idle.method.slice(0, METHOD_MAX), at: gauge.at() },
          methods: [gauge.now(gauge.running()).method],
        }
      }),
    },
    start(): void {
      energy.mark()
      unsubscribe = events.on((topic) => {
        // What runs has changed: the stretch before had the old load. After the teller's turn, when its change is
        // whole.
        if (topic === 'jobs' || topic === 'exams' || topic === 'engine') queueMicrotask(markIfOn)
        if (topic === 'settings') energy.priced()
      })
      sampling ??= every(clock, SAMPLE_MS, sample, {
        onError: (error) => context.log.warn({ err: error }, 'a power sample failed'),
        signal: stopping.signal,
        immediate: true,
      })
    },
    async stop(): Promise<void> {
      unsubscribe()
      stopping.abort(new Error('stopped'))
      if (sampling === null) return
      await sampling.done
      energy.mark()
      energy.write()
    },
  }
}
