import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { tempDir } from '#test/support/temp-dir.ts'

import { flagsOf } from '../../tools/bench/reference-path.ts'
import { verdicts } from '../../tools/bench/serve/bars.ts'
import type { CellResult } from '../../tools/bench/serve/cell-run.ts'
import { cellsOf, type SideName } from '../../tools/bench/serve/cells.ts'
import { median, medianRatio, percentile } from '../../tools/bench/serve/maths.ts'
import { measure, type PassMeasures } from '../../tools/bench/serve/measure.ts'
import { parseOptions } from '../../tools/bench/serve/bench-options.ts'
import { openResultStore } from '../../tools/bench/serve/result-store.ts'
import { chosen } from '../../tools/bench/serve/threads.ts'
import { report, withReport } from '../../tools/bench/serve/result-table.ts'
import { writeShape } from '../../tools/bench/shapes/gguf.ts'

describe('the opponent', () => {
  it('is not settled by a short trial that was nearly a draw (a table once had llama-server at half of what it can do)', () => {
    const tried = (one: number, two: number): (number | null)[] => {
      const { best, rival } = chosen([
        { threads: 1, tokPerS: one },
        { threads: 2, tokPerS: two },
      ])
      return [best, rival]
    }
    expect(tried(273, 272)).toEqual([1, 2])
    expect(tried(220, 240)).toEqual([2, 1])
    expect(tried(100, 240)).toEqual([2, null])
    expect(chosen([{ threads: 1, tokPerS: 5 }])).toMatchObject({ best: 1, rival: null })
  })
})

const RESOURCES = { cpuSeconds: 1, rssMb: 100, loopDelayP99: 2 }

describe('figures', () => {
  it('percentiles are by nearest rank, medians of even counts are means, ratios are made round by round', () => {
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3)
    expect(percentile([5, 1, 4, 2, 3], 0.95)).toBe(5)
    expect(percentile([], 0.5)).toBeNaN()
    expect(median([4, 1, NaN, 3, 2])).toBe(2.5)
    // Medians first would say 30 / 20; the machine was slow in the second round for both.
    expect(medianRatio([30, 10, 40], [20, 10, 20])).toBe(1.5)
  })

  it('tokens, first tokens, gaps and goodput come out of what arrived', () => {
    const seen = measure(
      [
        { prompt: 'a', maxTokens: 3, atMs: 0 },
        { prompt: 'b', maxTokens: 3, atMs: 2_000, deadlineMs: 500 },
        { prompt: 'c', maxTokens: 1, atMs: 1_000, group: 'long' },
      ],
      [
        {
          outcome: 'whole',
          sentMs: 0,
          endMs: 4_000,
          arrivals: [100, 900, 2_500],
          usage: { prompt: 10, cached: 4, generated: 3 },
        },
        { outcome: 'late', sentMs: 2_000, endMs: 2_500, arrivals: [2_300], usage: null },
        {
          outcome: 'whole',
          sentMs: 1_000,
          endMs: 3_000,
          arrivals: [2_900],
          usage: { prompt: 10, cached: 0, generated: 2 },
        },
      ],
      RESOURCES,
    )
    expect(seen).toMatchObject({
      tokPerS: 6 / 4,
      ttftP50: 100,
      ttftP95: 300,
      gapP50: 800,
      worstGap: 1_600,
      longTtft: 1_900,
      goodput: 2.5,
      wrongLength: 1,
      cachedTokens: 4,
    })
    expect(seen.outcomes).toEqual({ whole: 2, late: 1 })
  })
})

const measures = (over: Partial<PassMeasures>): PassMeasures => ({
  tokPerS: 100,
  ttftP50: 10,
  ttftP95: 20,
  gapP50: 1,
  gapP99: 2,
  worstGap: 100,
  goodput: 10,
  longTtft: null,
  outcomes: { whole: 4 },
  generated: 100,
  promptTokens: 100,
  cachedTokens: 0,
  wrongLength: 0,
  problems: [],
  ...RESOURCES,
  ...over,
})

function resultOf(id: string, sides: Partial<Record<SideName, Partial<PassMeasures>>>): CellResult {
  const cell = cellsOf({ full: true, only: [] }).find((each) => each.id === id)!
  const filled = Object.fromEntries(Object.entries(sides).map(([side, over]) => [side, [measures(over)]]))
  return {
    cell,
    sides: filled,
    settings: {},
    llamaThreads: 2,
    threadTrial: [],
    quiet: { busyShare: 0.01, loadAverage: 0, others: 0 },
    perSecond: null,
    at: '2026-01-01T00:00:00.000Z',
  }
}

const metOf = (result: CellResult, cores = 2): boolean[] => verdicts(result, cores).map(({ met }) => met)

describe('bars', () => {
  it('are the issue’s: tiny 0.9 up to two streams and 1.1 above, the others 1.0, first tokens at most 1.1', () => {
    expect(metOf(resultOf('tiny ×2 prompt 64', { stoker: { tokPerS: 90 }, llama: {} }))).toEqual([true, true])
    expect(metOf(resultOf('tiny ×4 prompt 64', { stoker: { tokPerS: 105 }, llama: {} }))).toEqual([false, true])
    expect(metOf(resultOf('mini ×1 prompt 64', { stoker: { tokPerS: 99 }, llama: {} }))).toEqual([false, true])
    expect(metOf(resultOf('mini ×1 prompt 64', { stoker: { ttftP95: 23 }, llama: {} }))).toEqual([true, false])
  })

  it('on a busy machine also ten times its default, where that takes every core', () => {
    const busy = resultOf('mini ×1 prompt 64 busy', { stoker: {}, llama: {}, 'llama-default': { tokPerS: 11 } })
    expect(metOf(busy)).toEqual([true, true, false])
    expect(metOf(busy, 16)).toEqual([true, true])
  })

  it('traces: goodput, worst gap against the defaults and in milliseconds, reuse against none and against its own', () => {
    expect(metOf(resultOf('mini mixed trace', { stoker: { goodput: 12 }, llama: {} }))).toEqual([true])
    expect(
      metOf(
        resultOf('mini long prompt among streams', {
          stoker: { worstGap: 240 },
          llama: {},
          'llama-default': { worstGap: 1_300 },
        }),
      ),
    ).toEqual([true, true])
    expect(metOf(resultOf('mini shared prefix', { stoker: {}, 'stoker-cold': { ttftP50: 29 }, llama: {} }))).toEqual([
      false,
      true,
    ])
  })

  it('a side that was not run meets nothing', () => {
    expect(metOf(resultOf('mini mixed trace', { stoker: {} }))).toEqual([false])
  })
})

describe('the report', () => {
  const machine = { cpu: 'a cpu', cores: 2, node: '24', commit: 'abc', reference: 'v1', gpu: false }

  it('has a row for each cell with its bars, and says when the machine was not quiet or answers failed', () => {
    const good = resultOf('tiny ×1 prompt 64', { stoker: { tokPerS: 150 }, llama: {} })
    const bad = {
      ...resultOf('mini ×1 prompt 64', { stoker: { tokPerS: 50, outcomes: { whole: 3, failed: 1 } }, llama: {} }),
      quiet: { busyShare: 0.05, loadAverage: 3, others: 0.5 },
    }
    const text = report([good, bad], machine)
    expect(text).toContain('| tiny ×1 prompt 64 | 150 | 100 (2) | 1.50 |')
    expect(text).toContain('**miss**: tok/s 0.50 (≥ 1)')
    expect(text).toContain('at work: mini ×1 prompt 64 (5 % busy before, 50 % taken by others while it ran, load 3.0)')
    expect(text).toContain('mini ×1 prompt 64: 1 of stoker')
  })

  it('goes between its markers and leaves the rest', () => {
    expect(withReport('a\n<!-- bench:serve -->\nold\n<!-- /bench:serve -->\nb', 'new')).toBe(
      'a\n<!-- bench:serve -->\nnew\n<!-- /bench:serve -->\nb',
    )
    expect(() => withReport('a', 'new')).toThrow('no <!-- bench:serve -->')
  })
})

describe('resuming', () => {
  it('a finished cell is taken as it is, one that was decided by something else is run again, --fresh forgets', async () => {
    const path = join(tempDir(), 'deep', 'serve.json')
    const made: string[] = []
    const make = (name: string) => () => {
      made.push(name)
      return Promise.resolve({ name })
    }
    await openResultStore(path, { fresh: false }).once('cell', { rounds: 3 }, make('first'))
    const again = openResultStore(path, { fresh: false })
    expect(again.has('cell', { rounds: 3 })).toBe(true)
    expect(await again.once('cell', { rounds: 3 }, make('second'))).toEqual({ name: 'first' })
    expect(await again.once('cell', { rounds: 1 }, make('third'))).toEqual({ name: 'third' })
    expect(openResultStore(path, { fresh: true }).has('cell', { rounds: 1 })).toBe(false)
    expect(made).toEqual(['first', 'third'])
  })

  it('a run that was killed while it wrote loses nothing that was whole', async () => {
    const path = join(tempDir(), 'serve.json')
    await openResultStore(path, { fresh: false }).once('cell', 1, () => Promise.resolve(7))
    writeFileSync(`${path}.partial`, '{"ce')
    expect(await openResultStore(path, { fresh: false }).once('cell', 1, () => Promise.resolve(8))).toBe(7)
  })
})

describe('command line and files', () => {
  it('refuses settings it does not know', () => {
    expect(parseOptions(['--stoker', 'processes=2,threads=1']).stoker).toEqual({ processes: 2, threads: 1 })
    expect(parseOptions(['--full']).minutes).toBe(0)
    expect(() => parseOptions(['--stoker', 'cores=2'])).toThrow('--stoker takes')
    expect(() => parseOptions(['--rounds', 'x'])).toThrow('whole number')
  })

  it('reads what the reference was built with from CMake’s cache', () => {
    expect(flagsOf('GGML_NATIVE:BOOL=ON\nLLAMA_CURL:UNINITIALIZED=OFF\nGGML_OPENMP_ENABLED:INTERNAL=ON\n')).toEqual({
      flags: ['-DGGML_NATIVE=ON', '-DLLAMA_CURL=OFF'],
      openMp: true,
    })
  })

  it('the same shape is the same file, and a file that is being written has another name', () => {
    const [one, two] = [join(tempDir(), 'a.gguf'), join(tempDir(), 'b.gguf')]
    for (const path of [one, two]) writeShape(path, { preset: 'tiny', type: 'q4_0', seed: 1, pooling: 'mean' })
    const bytes = readFileSync(one)
    expect(bytes.equals(readFileSync(two))).toBe(true)
    expect(bytes.includes('llama.pooling_type')).toBe(true)
    expect(existsSync(`${one}.partial`)).toBe(false)
  })
})
