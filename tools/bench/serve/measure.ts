/** Computes the figures of a pass from the client's answers. Times in milliseconds. */
import { percentile, sum } from './maths.ts'

import type { LoadAnswer, LoadRequest, RequestOutcome } from './load-types.ts'

export interface PassMeasures {
  tokPerS: number
  ttftP50: number
  ttftP95: number
  /** Between one event with text and the next of the same stream. */
  gapP50: number
  gapP99: number
  /** Longest gap in the streams; from the arrival of the long prompt on, where there is one. */
  worstGap: number
  /** Tokens of answers that were complete within their deadline, per second of the trace. */
  goodput: number
  /** Time to first token of the long prompt; null without one. */
  longTtft: number | null
  outcomes: Partial<Record<RequestOutcome, number>>
  generated: number
  promptTokens: number
  cachedTokens: number
  /** Answers with another number of tokens than asked for, by the server's own usage. */
  wrongLength: number
  /** Used by the server's processes. */
  cpuSeconds: number
  rssMb: number
  /** 99th percentile of the delay of the event loop of the process that speaks HTTP; null where unknown. */
  loopDelayP99: number | null
  problems: string[]
}

const PROBLEMS_KEPT = 3

/**
 * Whole answers by the server's count, others by their events (one token each with llama-server; at least one with
 * Stoker).
 */
const tokensOf = ({ usage, arrivals }: LoadAnswer): number => usage?.generated ?? arrivals.length

const gapsOf = ({ arrivals }: LoadAnswer, from: number): number[] =>
  arrivals.slice(1).flatMap((at, index) => (at >= from ? [at - arrivals[index]!] : []))

export interface Resources {
  cpuSeconds: number
  rssMb: number
  loopDelayP99: number | null
}

export function measure(
  requests: readonly LoadRequest[],
  answers: readonly LoadAnswer[],
  resources: Resources,
): PassMeasures {
  const pairs = answers.map((answer, index) => ({ answer, asked: requests[index]! }))
  const long = pairs.find(({ asked }) => asked.group === 'long')?.answer ?? null
  const streams = pairs.filter(({ asked }) => asked.group === undefined)
  const first = streams.flatMap(({ answer }) =>
    answer.arrivals.length === 0 ? [] : [answer.arrivals[0]! - answer.sentMs],
  )
  const gaps = streams.flatMap(({ answer }) => gapsOf(answer, 0))
  const watched = long === null ? gaps : streams.flatMap(({ answer }) => gapsOf(answer, long.sentMs))
  const from = Math.min(...answers.map(({ sentMs }) => sentMs))
  const seconds = (Math.max(...answers.map(({ endMs }) => endMs)) - from) / 1_000
  const arrivalSeconds = Math.max(...requests.map(({ atMs }) => atMs ?? 0)) / 1_000
  const whole = pairs.filter(({ answer }) => answer.outcome === 'whole')
  const outcomes: PassMeasures['outcomes'] = {}
  for (const { outcome } of answers) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  return {
    tokPerS: sum(answers.map(tokensOf)) / seconds,
    ttftP50: percentile(first, 0.5),
    ttftP95: percentile(first, 0.95),
    gapP50: percentile(gaps, 0.5),
    gapP99: percentile(gaps, 0.99),
    worstGap: percentile(watched, 1),
    goodput: sum(whole.map(({ answer }) => tokensOf(answer))) / (arrivalSeconds || seconds),
    longTtft: long === null || long.arrivals.length === 0 ? null : long.arrivals[0]! - long.sentMs,
    outcomes,
    generated: sum(answers.map(tokensOf)),
    promptTokens: sum(answers.map(({ usage }) => usage?.prompt ?? 0)),
    cachedTokens: sum(answers.map(({ usage }) => usage?.cached ?? 0)),
    wrongLength: whole.filter(({ answer, asked }) => tokensOf(answer) !== asked.maxTokens).length,
    ...resources,
    problems: [...new Set(answers.flatMap(({ problem }) => problem ?? []))].slice(0, PROBLEMS_KEPT),
  }
}
