/**
 * Pure arithmetic of electricity. Energy in joules, power in watts, prices in nano-units of the owner's power currency
 * per kWh.
 */
import type { Settings } from '#contract/app.ts'
import { QUARTER_MS, type EpochMs } from '#contract/time.ts'

const JOULES_PER_KWH = 3_600_000
/** The estimate when nothing can be read: cores × 10 W + 20 W while serving, 40 % of it idle. */
const WATTS_PER_CORE = 10
const WATTS_BASE = 20
const IDLE_SHARE = 0.4

export interface WattsEstimate {
  serving: number
  idle: number
  method: string
}

/** The owner's figures where given, else the rule above; the method says which. */
export function estimateWatts(settings: Pick<Settings, 'wattsServing' | 'wattsIdle'>, cores: number): WattsEstimate {
  const serving = settings.wattsServing ?? cores * WATTS_PER_CORE + WATTS_BASE
  const idle = settings.wattsIdle ?? serving * IDLE_SHARE
  const rule = `estimate: ${cores} cores × ${WATTS_PER_CORE} W + ${WATTS_BASE} W serving, ${IDLE_SHARE * 100} % idle`
  const owner = `owner's estimate: ${serving} W serving, ${Math.round(idle)} W idle`
  return {
    serving,
    idle: Math.min(idle, serving),
    method: settings.wattsServing === null && settings.wattsIdle === null ? rule : owner,
  }
}

/** What was read of each part; null where it could not be. */
export interface Readings {
  gpu: number | null
  processor: number | null
}

/**
 * Watts now and how they were come by. Without any meter it is the estimate. A GPU meter alone says nothing about the
 * rest, which then counts by the rule: as serving when the model runs on the processor, else as idle.
 */
export function composeWatts(
  readings: Readings,
  now: { running: number; onProcessor: boolean },
  settings: Pick<Settings, 'wattsServing' | 'wattsIdle'>,
  cores: number,
  /** Of the sources that the readings are from. */
  names: { gpu: string; processor: string },
): { watts: number; measured: boolean; method: string } {
  const { gpu, processor } = readings
  if (gpu === null && processor === null) {
    const estimate = estimateWatts(settings, cores)
    return { watts: now.running > 0 ? estimate.serving : estimate.idle, measured: false, method: estimate.method }
  }
  if (gpu === null)
    return {
      watts: processor ?? 0,
      measured: true,
      method: `measured: processor (${names.processor}), without the rest of the machine`,
    }
  if (processor !== null)
    return {
      watts: gpu + processor,
      measured: true,
      method: `measured: GPU (${names.gpu}) and processor (${names.processor}), without the rest of the machine`,
    }
  const rest = estimateWatts({ wattsServing: null, wattsIdle: null }, cores)
  return {
    watts: gpu + (now.running > 0 && now.onProcessor ? rest.serving : rest.idle),
    measured: true,
    method: `measured: GPU (${names.gpu}); the rest by ${rest.method}`,
  }
}

/** A stretch of running time with constant power. */
export interface Stretch {
  quarterMs: EpochMs
  ms: number
  joules: number
  servingJoules: number
  servingMs: number
  jobMs: number
}

/**
 * Splits [from, to) at UTC quarter hours. `idleWatts` is what the machine takes without jobs: only what lies above it is the
 * jobs'.
 */
export function stretches(from: EpochMs, to: EpochMs, watts: number, idleWatts: number, running: number): Stretch[] {
  const result: Stretch[] = []
  for (let at = from; at < to;) {
    const quarterMs = Math.floor(at / QUARTER_MS) * QUARTER_MS
    const end = Math.min(to, quarterMs + QUARTER_MS)
    const ms = end - at
    const serving = running > 0
    result.push({
      quarterMs,
      ms,
      joules: (watts * ms) / 1_000,
      servingJoules: serving ? (Math.max(0, watts - idleWatts) * ms) / 1_000 : 0,
      servingMs: serving ? ms : 0,
      jobMs: ms * running,
    })
    at = end
  }
  return result
}

/**
 * Cost in whole nano-units, with the part of one that is left over: carried on, so that many small steps sum to the
 * right whole.
 */
export function costOf(joules: number, kwhPriceNano: number, carry: number): { nano: number; carry: number } {
  const exact = (joules * kwhPriceNano) / JOULES_PER_KWH + carry
  const nano = Math.floor(exact)
  return { nano, carry: exact - nano }
}

/** Sums over some time, of one currency. */
export interface EnergySums {
  joules: number
  servingJoules: number
  costNano: number
  servingCostNano: number
  coveredMs: number
  servingMs: number
  jobMs: number
}

/** Cost of `jobMs` of job time at the rate of the sums (electricity above idle, by time share); null without a rate. */
export function costOfJobTime(sums: Pick<EnergySums, 'servingCostNano' | 'jobMs'>, jobMs: number): number | null {
  return sums.jobMs <= 0 ? null : Math.round((sums.servingCostNano / sums.jobMs) * jobMs)
}

/** Cost per million billed tokens; null without tokens. */
export const perMillion = (costNano: number, tokens: number): number | null =>
  tokens <= 0 ? null : Math.round((costNano / tokens) * 1_000_000)

/** Rate of the energy priced in `currency`: cost above idle, and the job time it went to. */
export const rateOf = (
  rows: readonly (Pick<EnergySums, 'servingCostNano' | 'jobMs'> & { currency: string })[],
  currency: string,
): Pick<EnergySums, 'servingCostNano' | 'jobMs'> =>
  rows
    .filter((row) => row.currency === currency)
    .reduce(
      (sum, row) => ({ servingCostNano: sum.servingCostNano + row.servingCostNano, jobMs: sum.jobMs + row.jobMs }),
      { servingCostNano: 0, jobMs: 0 },
    )
