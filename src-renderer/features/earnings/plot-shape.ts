/**
 * Where things stand in the picture, as paths: one a series, however many buckets there are. Pure. Width and place of a
 * bar come from its bucket alone, its height from what was earned; what is held only changes its filling.
 */
import { ticks } from '#ui/chart-data.ts'

import type { PlotColumn } from './plot-data.ts'

export interface Frame {
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
}

/** One scale above and below zero, or (two units) electricity on a scale of its own under the axis. */
export interface Scales {
  zero: number
  /** Tick values above zero, and below it (as positive values). */
  up: number[]
  down: number[]
  yUp: (value: number) => number
  /** Of a positive value that hangs below zero. */
  yDown: (value: number) => number
}

/** Room between two scales of two units, for the eye. */
const GAP = 6
const STRIP_SHARE = 0.2

export function scalesOf(highest: number, deepest: number, one: boolean, frame: Frame): Scales {
  const room = frame.height - frame.top - frame.bottom
  if (one) {
    const all = ticks(Math.max(highest, deepest, 1))
    const step = all[1] ?? 1
    const count = (value: number): number => Math.ceil(value / step - 1e-9)
    const upward = Math.max(1, count(highest))
    const downward = count(deepest)
    const perTick = room / (upward + downward)
    const zero = frame.top + upward * perTick
    const scale = perTick / step
    const steps = (size: number): number[] => Array.from({ length: size + 1 }, (_, index) => index * step)
    return {
      zero,
      up: steps(upward),
      down: steps(downward).slice(1),
      yUp: (value) => zero - value * scale,
      yDown: (value) => zero + value * scale,
    }
  }
  const strip = room * STRIP_SHARE
  const up = ticks(Math.max(highest, 1))
  const down = ticks(deepest).slice(-1)
  const zero = frame.top + room - strip - GAP
  const top = up.at(-1) ?? 1
  const bottom = down[0] === undefined || down[0] === 0 ? 1 : down[0]
  return {
    zero,
    up,
    down: down[0] === 0 ? [] : down,
    yUp: (value) => zero - (value / top) * (zero - frame.top),
    yDown: (value) => zero + GAP + (value / bottom) * strip,
  }
}

const MAX_BAR = 44
const FILLED = 0.8

/** Left edge and width of each column's band and bar: the same whatever is in it. */
export function bandsOf(
  count: number,
  { width, left, right }: Frame,
): { band: number; bar: number; x: (index: number) => number } {
  const band = (width - left - right) / Math.max(1, count)
  const bar = Math.min(MAX_BAR, band * FILLED)
  return { band, bar, x: (index) => left + index * band + (band - bar) / 2 }
}

const n = (value: number): string => (Math.round(value * 100) / 100).toString()
const rect = (x: number, y: number, width: number, height: number): string =>
  height < 0.05 ? '' : `M${n(x)} ${n(y)}h${n(width)}v${n(height)}h${n(-width)}z`

export interface Shapes {
  /** By place: released money, and held. */
  solid: Map<number, string>
  hatched: Map<number, string>
  /** By GPU, then the rest of the machine. */
  power: string[]
  net: string
  /** Buckets in which the rig was off all the time, and in which part of the time. */
  off: string
  partlyOff: string
}

const PARTLY = 0.05
const WHOLLY = 0.95

export function shapesOf(columns: readonly PlotColumn[], scales: Scales, frame: Frame, withNet: boolean): Shapes {
  const { bar, band, x } = bandsOf(columns.length, frame)
  const [solid, hatched] = [new Map<number, string>(), new Map<number, string>()]
  const add = (paths: Map<number, string>, place: number, path: string): void =>
    void paths.set(place, (paths.get(place) ?? '') + path)
  const power: string[] = []
  let [net, off, partlyOff] = ['', '', '']
  for (const [index, column] of columns.entries()) {
    const left = x(index)
    let base = 0
    for (const { place, earned, held } of column.parts) {
      const free = base + earned - held
      add(solid, place, rect(left, scales.yUp(free), bar, scales.yUp(base) - scales.yUp(free)))
      base += earned
      add(hatched, place, rect(left, scales.yUp(base), bar, scales.yUp(free) - scales.yUp(base)))
    }
    const cost = column.power ?? 0
    const known = column.gpus.reduce((sum, gpu) => sum + gpu, 0)
    let depth = 0
    for (const [part, nano] of [...column.gpus, Math.max(0, cost - known)].entries()) {
      const [from, to] = [scales.yDown(depth), scales.yDown(depth + nano)]
      power[part] = (power[part] ?? '') + rect(left, from, bar, to - from)
      depth += nano
    }
    if (withNet && column.power !== null) {
      const value = column.earned - column.power
      const y = value >= 0 ? scales.yUp(value) : scales.yDown(-value)
      net += `M${n(left - 2)} ${n(y)}h${n(bar + 4)}`
    }
    const shade = rect(frame.left + index * band, frame.top, band, frame.height - frame.top - frame.bottom)
    if (column.off >= WHOLLY) off += shade
    else if (column.off >= PARTLY) partlyOff += shade
  }
  return { solid, hatched, power, net, off, partlyOff }
}

/** A line through the middles of the columns that have begun. */
export function lineOf(values: readonly number[], count: number, y: (value: number) => number, frame: Frame): string {
  const { band } = bandsOf(count, frame)
  return values
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${n(frame.left + (index + 0.5) * band)} ${n(y(value))}`)
    .join('')
}

/** Columns whose labels are written, so that each has `room` pixels: the first, then every so many. */
export function labelledOf(count: number, frame: Frame, room: number): number[] {
  const { band } = bandsOf(count, frame)
  const every = Math.max(1, Math.ceil(room / band))
  return Array.from({ length: Math.ceil(count / every) }, (_, index) => index * every)
}
