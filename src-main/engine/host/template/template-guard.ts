/**
 * Runs template code for a bounded time: a template comes with a downloaded file, and one that loops would block every
 * stream of this process.
 */
import { createContext, Script } from 'node:vm'

import { Environment } from '@huggingface/jinja'

const sandbox: { work: () => void } = { work: () => undefined }
const context = createContext(sandbox)
const script = new Script('work()')

/** Longest list a template may ask for. */
const RANGE_MAX = 10_000

export class OutOfTime extends Error {
  constructor(ms: number, cause: unknown) {
    super(`it takes longer than ${ms} ms`, { cause })
  }
}

/**
 * Throws what `work` throws, or after `ms` milliseconds OutOfTime. The bound covers everything `work` calls, in plain
 * JavaScript.
 */
export function boundedRender<T>(work: () => T, ms: number): T {
  const results: T[] = []
  sandbox.work = () => results.push(work())
  try {
    script.runInContext(context, { timeout: ms })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new OutOfTime(ms, error)
    throw error
  } finally {
    sandbox.work = () => undefined
  }
  return results[0] as T
}

/** Jinja's `range`, bounded: the renderer's own would fill the memory for a large number within the time bound. */
export function boundedRange(...given: number[]): number[] {
  const [start, stop, step] = given.length === 1 ? [0, given[0] ?? 0, 1] : [given[0] ?? 0, given[1] ?? 0, given[2] ?? 1]
  if (step === 0 || !Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step))
    throw new Error('range is asked for without bounds')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (length > RANGE_MAX) throw new Error(`range asks for ${length} values and ${RANGE_MAX} are allowed`)
  return Array.from({ length }, (_, at) => start + at * step)
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** Python's strftime as far as chat templates use it; always in English. */
export function dateText(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = MONTHS[date.getMonth()] ?? ''
  const parts: Record<string, string> = {
    Y: String(date.getFullYear()),
    m: two(date.getMonth() + 1),
    d: two(date.getDate()),
    b: month.slice(0, 3),
    B: month,
    H: two(date.getHours()),
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    '%': '%',
  }
  return format.replaceAll(/%([YmdbBHMS%])/g, (_whole, letter: string) => parts[letter] ?? '')
}

/** The functions and constants of every template, with bounds of our own instead of the renderer's globals. */
export function templateGlobals(today: () => Date): Environment {
  const globals = new Environment()
  const values: Record<string, unknown> = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange,
    strftime_now: (format: unknown) => dateText(today(), String(format)),
    raise_exception(reason: unknown) {
      throw new Error(String(reason))
    },
  }
  for (const [name, value] of Object.entries(values)) globals.set(name, value)
  return globals
}
