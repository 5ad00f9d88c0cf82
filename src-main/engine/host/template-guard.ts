/** Runs template code for a bounded time: a template comes with a downloaded file, and one that loops would stop every stream of this process. */
import { createContext, Script } from 'node:vm'

const sandbox: { work: () => void } = { work: () => undefined }
const context = createContext(sandbox)
const script = new Script('work()')

/** Most of one render; a normal one takes about a millisecond. */
const RENDER_MS = 400
/** Longest list a template may ask for. */
const RANGE_MAX = 10_000

/** Throws what `work` throws, or an error that says that the time is over. The bound covers everything `work` calls, in plain JavaScript. */
export function boundedRender<T>(work: () => T, ms = RENDER_MS): T {
  const results: T[] = []
  sandbox.work = () => results.push(work())
  try {
    script.runInContext(context, { timeout: ms })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Error(`it takes longer than ${ms} ms`)
    throw error
  }
  return results[0] as T
}

/** Jinja's `range`, bounded: the renderer's own would fill the memory for a large number within the time bound. */
export function boundedRange(...given: number[]): number[] {
  const [start, stop, step] = given.length === 1 ? [0, given[0] ?? 0, 1] : [given[0] ?? 0, given[1] ?? 0, given[2] ?? 1]
  if (step === 0 || !Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step)) throw new Error('range is asked for without bounds')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (length > RANGE_MAX) throw new Error(`range asks for ${length} values and ${RANGE_MAX} are allowed`)
  return Array.from({ length }, (_, at) => start + at * step)
}
