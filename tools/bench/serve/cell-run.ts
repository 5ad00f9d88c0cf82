/** Runs one cell: thread trial for llama-server, warm-up, then rounds in which every side runs once. */
import { median } from './maths.ts'
import { quietness, startSpinner, watchOthers } from './proc.ts'
import { runPass } from './run-side.ts'
import { bestThreads, type ThreadChoice } from './threads.ts'
import { saturated, steady } from './traces.ts'
import { requestsOf, shareOf } from './workload.ts'

import type { Cell, SideName } from './cells.ts'
import type { LoadClient } from './client-process.ts'
import type { Fleet } from './fleet.ts'
import type { PassMeasures } from './measure.ts'
import type { PromptMaker } from './bench-prompts.ts'
import type { Side } from './side.ts'
import type { ResultStore } from './result-store.ts'

/** Of the thread trial for traces. */
const SHORT_PROMPT = 64
/** A pass that takes longer is cut off; what came until then counts. */
const PASS_MS = 90_000
/** With its default threads on a busy machine llama-server may almost stall. */
const DEFAULT_BUSY_MS = 15_000
const WARM_MS = 4_000
/** More warm-up, so that a side that adapts to a busy machine has time to do so. */
const BUSY_WARM = 16
/**
 * Arrivals of the mixed trace relative to what llama-server can finish: more than it can, because order and refusals
 * matter only under overload.
 */
const LOAD = 1.5
/** Makes the trial long enough that its last streams, which run alone, matter little. */
const CAPACITY_PER_SECOND = 1.6

export interface CellResult {
  cell: Cell
  /** One for each round. */
  sides: Partial<Record<SideName, PassMeasures[]>>
  settings: Partial<Record<SideName, string>>
  llamaThreads: number
  threadTrial: ThreadChoice['seen']
  /**
   * Shares of all cores: `busyShare` before the cell, with nothing of ours at work; `others` what other programs took
   * while it ran.
   */
  quiet: { busyShare: number; loadAverage: number; others: number }
  /** Arrivals a second of the mixed trace. */
  perSecond: number | null
  at: string
}

export interface CellContext {
  client: LoadClient
  fleet: Fleet
  make: PromptMaker
  store: ResultStore
  /** What a thread trial depends on, beside the cell. */
  basis: unknown
  rounds: number
  say: (line: string) => void
}

async function threadsFor(cell: Cell, context: CellContext): Promise<ThreadChoice> {
  const name = `${cell.shape} ×${cell.concurrency}${cell.busy ? ' busy' : ''}`
  const requests = Math.max(
    cell.concurrency,
    Math.ceil((cell.kind === 'steady' ? cell.requests : cell.concurrency * 2) / 2),
  )
  const maxTokens = Math.min(64, cell.maxTokens || 64)
  const promptTokens = cell.kind === 'steady' ? cell.promptTokens : SHORT_PROMPT
  return context.store.once(`threads: ${name}`, { basis: context.basis, requests, promptTokens, maxTokens }, () =>
    bestThreads({
      client: context.client,
      fleet: context.fleet,
      make: context.make,
      name,
      concurrency: cell.concurrency,
      requests,
      promptTokens,
      maxTokens,
    }),
  )
}

async function sideOf(name: SideName, fleet: Fleet, threads: number): Promise<Side> {
  if (name === 'llama') return fleet.llama(threads)
  if (name === 'llama-default') return fleet.llama(null)
  return fleet.stoker(name === 'stoker')
}

/** Requests a second that llama-server finishes at most, of this trace's kind. */
async function capacity(cell: Cell, context: CellContext, threads: number): Promise<number> {
  return context.store.once(`capacity: ${cell.id}`, { basis: context.basis, threads }, async () => {
    const requests = saturated(requestsOf(cell, context.make, 'capacity', CAPACITY_PER_SECOND))
    const side = await context.fleet.llama(threads)
    const { tokPerS, generated } = await runPass(context.client, side, {
      requests,
      concurrency: cell.concurrency,
      limitMs: PASS_MS,
    })
    return (tokPerS / generated) * requests.length
  })
}

export async function runCell(cell: Cell, context: CellContext): Promise<CellResult> {
  const { client, fleet, make, rounds, say } = context
  const quiet = await quietness()
  const spinner = cell.busy ? startSpinner() : null
  try {
    const { best, rival, seen } = await threadsFor(cell, context)
    const perSecond = cell.kind === 'mixed' ? LOAD * (await capacity(cell, context, best)) : null
    const sides: CellResult['sides'] = {}
    const settings: CellResult['settings'] = {}
    for (const name of cell.sides) {
      const side = await sideOf(name, fleet, best)
      settings[name] = side.settings
      sides[name] = []
      const warm = steady(make, `warm/${cell.id}/${name}`, {
        requests: cell.concurrency * (cell.busy ? BUSY_WARM : 1),
        promptTokens: 32,
        maxTokens: 16,
      })
      await runPass(client, side, { requests: warm, concurrency: cell.concurrency, limitMs: WARM_MS })
    }
    const others = watchOthers()
    const rivals: PassMeasures[] = []
    for (let round = 1; round <= rounds; round++) {
      for (const name of cell.sides) {
        const requests = shareOf(name, requestsOf(cell, make, String(round), perSecond ?? 1))
        const limitMs = cell.busy && name === 'llama-default' ? DEFAULT_BUSY_MS : PASS_MS
        const pass = async (threads: number): Promise<PassMeasures> =>
          runPass(client, await sideOf(name, fleet, threads), { requests, concurrency: cell.concurrency, limitMs })
        const measures = await pass(best)
        sides[name]!.push(measures)
        say(lineOf(cell.kind, round, name, measures))
        if (name !== 'llama' || rival === null) continue
        rivals.push(await pass(rival))
        say(lineOf(cell.kind, round, `llama -t ${rival}`, rivals.at(-1)!))
      }
    }
    const better = rival !== null && beats(cell.kind, rivals, sides.llama ?? [])
    if (better) sides.llama = rivals
    const llamaThreads = better ? rival : best
    return {
      cell,
      sides,
      settings,
      llamaThreads,
      threadTrial: seen,
      quiet: { ...quiet, others: others() },
      perSecond,
      at: new Date().toISOString(),
    }
  } finally {
    spinner?.stop()
  }
}

/** Of two numbers of threads the one that did better in the rounds is compared with. */
function beats(kind: Cell['kind'], rivals: readonly PassMeasures[], firsts: readonly PassMeasures[]): boolean {
  const worth = (all: readonly PassMeasures[]): number =>
    median(all.map(({ goodput, tokPerS }) => (kind === 'mixed' ? goodput : tokPerS)))
  return rivals.length > 0 && worth(rivals) > worth(firsts)
}

const lineOf = (
  kind: Cell['kind'],
  round: number,
  name: string,
  {
    tokPerS,
    ttftP50,
    ttftP95,
    gapP50,
    gapP99,
    worstGap,
    outcomes,
    cpuSeconds,
    problems,
    wrongLength,
    goodput,
  }: PassMeasures,
): string =>
  `  ${round} ${name.padEnd(13)} ${tokPerS.toFixed(0).padStart(5)} tok/s · first ${ttftP50.toFixed(0)}/${ttftP95.toFixed(0)} ms · gap ${gapP50.toFixed(1)}/${gapP99.toFixed(1)}/${worstGap.toFixed(0)} ms · ` +
  `cpu ${cpuSeconds.toFixed(1)} s · ${kind === 'mixed' ? `goodput ${goodput.toFixed(0)} · ` : ''}${Object.entries(
    outcomes,
  )
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(
      ', ',
    )}${wrongLength > 0 ? ` · ${wrongLength} of a wrong length` : ''}${problems.length > 0 ? ` · ${problems.join(' | ')}` : ''}`
