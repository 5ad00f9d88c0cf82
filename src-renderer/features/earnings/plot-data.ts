/** The series as what is drawn: one column a bucket. Pure. */
import type { Series } from '#contract/earnings.ts'
import { bucketLabels, type IncomeSource } from '#ui/chart-data.ts'

export interface Part {
  place: number
  earned: number
  /** The part of it that is not released yet. */
  held: number
}

export interface PlotColumn {
  at: number
  end: number
  label: string
  begun: boolean
  /** In the order of places, which is the order of the stack. */
  parts: Part[]
  earned: number
  held: number
  jobs: number
  /** Null where it is unknown. */
  power: number | null
  /** Of that, by GPU; what is left is the rest of the machine. */
  gpus: number[]
  /** Share of the past part in which the rig was off or not measured; 0 before the first record. */
  off: number
  listedMs: number
  servedMs: number
  busyMs: number
  onMs: number
}

type Bucket = Series['buckets'][number]
const isSilent = ({ begun, power, income }: Bucket): boolean => begun && power.coveredShare === 0 && income.length === 0

export const gpusOf = (series: Series): string[] =>
  [...new Set(series.buckets.flatMap(({ power }) => power.gpus.map(({ gpu }) => gpu)))].sort()

export function columnsOf(series: Series, sources: readonly IncomeSource[]): PlotColumn[] {
  const { buckets, range } = series
  const labels = bucketLabels(
    buckets.map(({ startLocal }) => startLocal),
    range.bucket,
  )
  const gpus = gpusOf(series)
  const places = new Map(sources.map(({ source, place }) => [source, place]))
  // Before the first record there was no rig to be off.
  const first = buckets.findIndex((bucket) => bucket.begun && !isSilent(bucket))
  return buckets.map((bucket, index) => {
    const { at, end, begun, income, power, used } = bucket
    const parts = income
      .map((row) => ({
        place: places.get(row.source) ?? sources.length,
        earned: row.grossNano - row.feeNano - row.writtenOffNano,
        held: row.heldNano,
      }))
      .sort((a, b) => a.place - b.place)
    const sum = (pick: (part: Part) => number): number => parts.reduce((total, part) => total + pick(part), 0)
    return {
      at,
      end,
      label: labels[index]!,
      begun,
      parts,
      earned: sum((part) => part.earned),
      held: sum((part) => part.held),
      jobs: income.reduce((total, row) => total + row.jobs, 0),
      power: power.costNano,
      gpus: gpus.map((gpu) => power.gpus.find((row) => row.gpu === gpu)?.costNano ?? 0),
      off: begun && at < series.at && first !== -1 && index >= first ? 1 - power.coveredShare : 0,
      ...used,
    }
  })
}

/** Running sums of what has begun, column by column. */
export function runningSums(columns: readonly PlotColumn[]): { available: number; held: number; power: number }[] {
  let [available, held, power] = [0, 0, 0]
  return columns
    .filter(({ begun }) => begun)
    .map((column) => {
      available += column.earned - column.held
      held += column.held
      power += column.power ?? 0
      return { available, held, power }
    })
}
