/** The report as Markdown. */
import { ratio, verdicts } from './bars.ts'
import { median } from './maths.ts'
import { QUIET_SHARE } from './proc.ts'

import type { CellResult } from './cell-run.ts'
import type { SideName } from './cells.ts'
import type { PassMeasures } from './measure.ts'

export interface MachineLine {
  cpu: string
  cores: number
  node: string
  commit: string
  reference: string
  gpu: boolean
}

const figure = (value: number, digits = 2): string =>
  Number.isFinite(value) ? value.toFixed(value >= 100 ? 0 : value >= 10 ? Math.min(1, digits) : digits) : '–'

const middle = ({ sides }: CellResult, side: SideName, of: (measures: PassMeasures) => number): number =>
  median((sides[side] ?? []).map(of))

function verdictText(result: CellResult, cores: number): string {
  return verdicts(result, cores)
    .map(
      ({ what, value, bar, sense, met }) =>
        `${met ? 'pass' : '**miss**'}: ${what} ${figure(value)} (${sense === 'least' ? '≥' : '≤'} ${bar})`,
    )
    .join('; ')
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const head = (cells: readonly string[]): string[] => [row(cells), row(cells.map(() => '---'))]

const perToken = ({ cpuSeconds, generated }: PassMeasures): number => cpuSeconds / generated

/**
 * Every cell with streams that start together: absolute figures of both, then ratios (Stoker ÷ llama-server, medians
 * over the rounds).
 */
function steadyTable(results: readonly CellResult[], cores: number): string[] {
  const columns = [
    'cell',
    'Stoker tok/s',
    'llama-server tok/s (threads)',
    'tok/s ×',
    'TTFT p50 ×',
    'TTFT p95 ×',
    'gap p50 ×',
    'gap p99 ×',
    'CPU a token ×',
    'RSS ×',
    'bar',
  ]
  const line = (result: CellResult): string => {
    const rate = ({ tokPerS }: PassMeasures): number => tokPerS
    const ratios = [
      rate,
      (m: PassMeasures) => m.ttftP50,
      (m: PassMeasures) => m.ttftP95,
      (m: PassMeasures) => m.gapP50,
      (m: PassMeasures) => m.gapP99,
      perToken,
      (m: PassMeasures) => m.rssMb,
    ]
    const theirs = `${figure(middle(result, 'llama', rate), 1)} (${result.llamaThreads})`
    const byDefault =
      result.sides['llama-default'] === undefined
        ? ''
        : `, default threads ${figure(middle(result, 'llama-default', rate), 1)}`
    return row([
      result.cell.id,
      figure(middle(result, 'stoker', rate), 1),
      theirs + byDefault,
      ...ratios.map((of) => figure(ratio(result, of))),
      verdictText(result, cores),
    ])
  }
  return results.length === 0 ? [] : [...head(columns), ...results.map(line), '']
}

const TRACE_FIGURES: Record<'mixed' | 'prefix' | 'long', [string, (measures: PassMeasures) => number][]> = {
  mixed: [
    ['goodput tok/s', ({ goodput }) => goodput],
    ['whole in time', ({ outcomes }) => outcomes.whole ?? 0],
    ['late', ({ outcomes }) => outcomes.late ?? 0],
    ['refused', ({ outcomes }) => outcomes.refused ?? 0],
  ],
  prefix: [
    ['TTFT p50 ms', ({ ttftP50 }) => ttftP50],
    ['TTFT p95 ms', ({ ttftP95 }) => ttftP95],
    [
      'prompt tokens evaluated a job',
      ({ promptTokens, cachedTokens, outcomes }) => (promptTokens - cachedTokens) / (outcomes.whole ?? NaN),
    ],
  ],
  long: [
    ['worst gap ms', ({ worstGap }) => worstGap],
    ['TTFT of the long prompt ms', ({ longTtft }) => longTtft ?? NaN],
    ['tok/s', ({ tokPerS }) => tokPerS],
  ],
}

const SIDE_TITLE: Record<SideName, string> = {
  stoker: 'Stoker',
  'stoker-cold': 'Stoker without prefix reuse',
  llama: 'llama-server, best threads',
  'llama-default': 'llama-server, its defaults',
}

function traceTable(result: CellResult, cores: number): string[] {
  const { kind, id, sides } = result.cell
  if (kind === 'steady') return []
  const figures = TRACE_FIGURES[kind]
  return [
    `**${id}**${result.perSecond === null ? '' : ` (${result.perSecond.toFixed(2)} requests a second)`} — ${verdictText(result, cores)}`,
    '',
    ...head(['side', ...figures.map(([title]) => title)]),
    ...sides.map((side) => row([SIDE_TITLE[side], ...figures.map(([, of]) => figure(middle(result, side, of)))])),
    '',
  ]
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Cells that ran while something else did. */
const disturbed = (results: readonly CellResult[]): string[] =>
  results
    .filter(({ quiet }) => quiet.busyShare > QUIET_SHARE || quiet.others > QUIET_SHARE)
    .map(
      ({ cell, quiet }) =>
        `${cell.id} (${percent(quiet.busyShare)} busy before, ${percent(quiet.others)} taken by others while it ran, load ${quiet.loadAverage.toFixed(1)})`,
    )

/** Answers that failed or had another length than asked for: their figures mean little. */
const unsound = (results: readonly CellResult[]): string[] =>
  results.flatMap(({ cell, sides }) =>
    cell.sides.flatMap((side) => {
      const bad = (sides[side] ?? []).reduce(
        (count, { outcomes, wrongLength }) => count + (outcomes.failed ?? 0) + wrongLength,
        0,
      )
      return bad === 0 ? [] : [`${cell.id}: ${bad} of ${side}`]
    }),
  )

export function report(results: readonly CellResult[], machine: MachineLine): string {
  const loud = disturbed(results)
  const broken = unsound(results)
  const loop = results.flatMap(({ cell, sides }) =>
    cell.concurrency === 16 ? (sides.stoker ?? []).flatMap(({ loopDelayP99 }) => loopDelayP99 ?? []) : [],
  )
  const rounds = Math.min(...results.map(({ sides }) => sides.stoker?.length ?? 0))
  return [
    `${machine.cores} × ${machine.cpu}${machine.gpu ? ', on the GPU' : ''}; Node ${machine.node}; Stoker ${machine.commit}; llama-server ${machine.reference}. ${rounds} rounds, ${results.at(-1)?.at.slice(0, 10) ?? ''}.`,
    loud.length === 0
      ? 'The machine was quiet before and during every cell.'
      : `Other programs were at work: ${loud.join('; ')}. These figures are unsure.`,
    ...(broken.length === 0 ? [] : [`Answers that failed or were not as long as asked for: ${broken.join('; ')}.`]),
    ...(loop.length === 0
      ? []
      : [
          `Event loop of the process that speaks HTTP, 16 streams: p99 ${figure(Math.max(...loop), 1)} ms at worst (bar: 20 ms).`,
        ]),
    '',
    ...steadyTable(
      results.filter(({ cell }) => cell.kind === 'steady'),
      machine.cores,
    ),
    ...results.flatMap((result) => traceTable(result, machine.cores)),
  ]
    .join('\n')
    .trimEnd()
}

const BEGIN = '<!-- bench:serve -->'
const END = '<!-- /bench:serve -->'

/** The document with the report between its markers. Throws when the markers are not there. */
export function withReport(document: string, text: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`The document has no ${BEGIN} … ${END}.`)
  return `${document.slice(0, begin + BEGIN.length)}\n${text}\n${document.slice(end)}`
}
