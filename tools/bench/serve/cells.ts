/**
 * What the benchmark runs: shapes, concurrencies, prompts and traces. Sizes are chosen so that one pass takes some
 * seconds on two cores.
 */
import type { PresetName, WeightType } from '../shapes/presets.ts'

export type ShapeName = 'tiny' | 'mini' | 'small' | 'small-q4' | 'nano'
/**
 * `llama` has the threads that are best for it, `llama-default` chooses them itself; `stoker-cold` reuses no prefix.
 */
export type SideName = 'stoker' | 'stoker-cold' | 'llama' | 'llama-default'

export interface ShapeSpec {
  name: ShapeName
  /** Null for the bundled nano model. */
  file: { preset: PresetName; type: WeightType } | null
  slots: number
  contextTokens: number
  maxTokens: number
  /** Requests of one pass for concurrencies 1, 2, 4, 8, 16, with short prompts; half as many with long ones. */
  requests: readonly [number, number, number, number, number]
}

const CONCURRENCIES = [1, 2, 4, 8, 16] as const
const LONG_PROMPT = 512

export const SHAPES: readonly ShapeSpec[] = [
  {
    name: 'tiny',
    file: { preset: 'tiny', type: 'q8_0' },
    slots: 16,
    contextTokens: 2_048,
    maxTokens: 128,
    requests: [12, 16, 24, 32, 48],
  },
  {
    name: 'mini',
    file: { preset: 'mini', type: 'q8_0' },
    slots: 16,
    contextTokens: 2_048,
    maxTokens: 64,
    requests: [6, 8, 12, 16, 32],
  },
  {
    name: 'small',
    file: { preset: 'small', type: 'q8_0' },
    slots: 16,
    contextTokens: 1_024,
    maxTokens: 24,
    requests: [3, 4, 8, 16, 16],
  },
  {
    name: 'small-q4',
    file: { preset: 'small', type: 'q4_0' },
    slots: 16,
    contextTokens: 1_024,
    maxTokens: 24,
    requests: [3, 4, 8, 16, 16],
  },
  { name: 'nano', file: null, slots: 16, contextTokens: 192, maxTokens: 64, requests: [32, 48, 64, 96, 128] },
]

export interface Cell {
  id: string
  shape: ShapeName
  kind: 'steady' | 'mixed' | 'prefix' | 'long'
  concurrency: number
  promptTokens: number
  maxTokens: number
  /** Of the mixed trace: at most. */
  requests: number
  /** One core is taken by another program. */
  busy: boolean
  sides: readonly SideName[]
}

function steadyCell(shape: ShapeSpec, concurrency: number, promptTokens: number, busy: boolean): Cell {
  const short = shape.requests[CONCURRENCIES.indexOf(concurrency as 1)]!
  const requests = promptTokens >= LONG_PROMPT ? Math.max(concurrency, Math.ceil(short / 2)) : short
  const id = `${shape.name} ×${concurrency} prompt ${promptTokens}${busy ? ' busy' : ''}`
  return {
    id,
    shape: shape.name,
    kind: 'steady',
    concurrency,
    promptTokens,
    maxTokens: shape.maxTokens,
    requests,
    busy,
    sides: busy ? ['stoker', 'llama', 'llama-default'] : ['stoker', 'llama'],
  }
}

/** Jobs of the shared-prefix trace that are run without reuse: each evaluates the whole prefix again. */
export const COLD_JOBS = 12
/** Streams among which the long prompt arrives. */
export const STREAMS = 4

function traceCells(busy: boolean): Cell[] {
  const after = busy ? ' busy' : ''
  const trace = (cell: Omit<Cell, 'shape' | 'busy'>): Cell => ({
    ...cell,
    id: `${cell.id}${after}`,
    shape: 'mini',
    busy,
  })
  return [
    trace({
      id: 'mini long prompt among streams',
      kind: 'long',
      concurrency: STREAMS,
      promptTokens: 1_500,
      maxTokens: 250,
      requests: STREAMS + 1,
      sides: ['stoker', 'llama', 'llama-default'],
    }),
    trace({
      id: 'mini shared prefix',
      kind: 'prefix',
      concurrency: 4,
      promptTokens: 1_500,
      maxTokens: 16,
      requests: 50,
      sides: ['stoker', 'stoker-cold', 'llama'],
    }),
    trace({
      id: 'mini mixed trace',
      kind: 'mixed',
      concurrency: 16,
      promptTokens: 0,
      maxTokens: 0,
      requests: 600,
      sides: ['stoker', 'llama'],
    }),
  ]
}

const shapeOf = (name: ShapeName): ShapeSpec => SHAPES.find((shape) => shape.name === name)!

function defaultCells(): Cell[] {
  const matrix = (['tiny', 'mini', 'nano'] as const).flatMap((name) =>
    [1, 4, 16].flatMap((concurrency) =>
      (name === 'nano' ? [64] : [64, LONG_PROMPT]).map((prompt) =>
        steadyCell(shapeOf(name), concurrency, prompt, false),
      ),
    ),
  )
  const small = [1, 4].map((concurrency) => steadyCell(shapeOf('small'), concurrency, 64, false))
  const busy = [1, 4].map((concurrency) => steadyCell(shapeOf('mini'), concurrency, 64, true))
  return [...matrix, ...traceCells(false), ...busy, ...small]
}

function fullCells(): Cell[] {
  const matrix = (busy: boolean): Cell[] =>
    SHAPES.flatMap((shape) =>
      CONCURRENCIES.flatMap((concurrency) =>
        (shape.name === 'nano' ? [64] : [64, LONG_PROMPT]).map((prompt) =>
          steadyCell(shape, concurrency, prompt, busy),
        ),
      ),
    )
  return [...matrix(false), ...traceCells(false), ...matrix(true), ...traceCells(true)]
}

/**
 * `only` holds words; a cell is run when its name has all words of one of them (`tiny`, `mini ×4`, `trace`). Cells of
 * one shape follow each other.
 */
export function cellsOf({ full, only }: { full: boolean; only: readonly string[] }): Cell[] {
  const wanted = (id: string): boolean =>
    only.length === 0 || only.some((words) => words.split(' ').every((word) => id.split(' ').includes(word)))
  const cells = (full ? fullCells() : defaultCells()).filter(({ id }) => wanted(id))
  return SHAPES.flatMap(({ name }) => cells.filter(({ shape }) => shape === name))
}
