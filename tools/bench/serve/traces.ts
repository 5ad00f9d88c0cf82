/** The workloads: what is asked, when, and how long buyers wait. Pure; the same seed gives the same requests. */
import { createRandom } from './random.ts'

import type { LoadRequest } from './load-types.ts'
import type { PromptMaker } from './bench-prompts.ts'

/** Streams that start together and go on until all is asked. */
export const steady = (
  make: PromptMaker,
  seed: string,
  { requests, promptTokens, maxTokens }: { requests: number; promptTokens: number; maxTokens: number },
): LoadRequest[] =>
  Array.from({ length: requests }, (_, at) => ({ prompt: make(`${seed}/${at}`, promptTokens), maxTokens }))

export interface MixedOptions {
  requests: number
  /** Of arrivals, by chance but on average. */
  perSecond: number
  /** Of the grade: most milliseconds to the first token, and least tokens a second after it. */
  ttftCeilingMs: number
  throughputFloorTokPerS: number
}

const PROMPT_TOKENS = [16, 512] as const
const OUTPUT_TOKENS = [8, 128] as const
/** Urgent, usual and patient buyers, as shares of the grade's own deadline. */
const DEADLINE_SHARES = [0.15, 0.15, 0.4, 0.4, 1, 1]
const CANCELLED_SHARE = 0.1

/** The exchange's deadline of a job: the grade's ceiling, and its floor's time twice over. */
export const gradeDeadlineMs = (
  maxTokens: number,
  grade: Pick<MixedOptions, 'ttftCeilingMs' | 'throughputFloorTokPerS'>,
): number => Math.ceil(grade.ttftCeilingMs + (maxTokens / grade.throughputFloorTokPerS) * 2_000)

/** Seeded arrivals, lengths, deadlines and changes of mind. */
export function mixed(make: PromptMaker, seed: string, options: MixedOptions): LoadRequest[] {
  const random = createRandom(seed)
  let atMs = 0
  return Array.from({ length: options.requests }, (_, at) => {
    atMs += random.gap(1_000 / options.perSecond)
    const maxTokens = random.spread(...OUTPUT_TOKENS)
    const deadlineMs = Math.ceil(gradeDeadlineMs(maxTokens, options) * random.pick(DEADLINE_SHARES))
    const prompt = make(`${seed}/${at}`, random.spread(...PROMPT_TOKENS))
    const cancelled = random.next() < CANCELLED_SHARE
    const cancelMs = Math.ceil(random.next() * deadlineMs)
    return { prompt, maxTokens, atMs: Math.round(atMs), deadlineMs, ...(cancelled ? { cancelMs } : {}) }
  })
}

/** The mixed trace's requests one after the other, to learn how many a second a server finishes at most. */
export const saturated = (requests: readonly LoadRequest[]): LoadRequest[] =>
  requests.map(({ prompt, maxTokens }) => ({ prompt, maxTokens }))

/** Jobs that all begin with one long system prompt. */
export function sharedPrefix(
  make: PromptMaker,
  seed: string,
  {
    jobs,
    prefixTokens,
    ownTokens,
    maxTokens,
  }: { jobs: number; prefixTokens: number; ownTokens: number; maxTokens: number },
): LoadRequest[] {
  const prefix = make(`${seed}/prefix`, prefixTokens)
  return Array.from({ length: jobs }, (_, at) => ({
    prompt: `${prefix} ${make(`${seed}/${at}`, ownTokens)}`,
    maxTokens,
  }))
}

/** Four streams run; a long prompt arrives among them. */
export function longAmongStreams(
  make: PromptMaker,
  seed: string,
  {
    streams,
    streamTokens,
    longTokens,
    atMs,
  }: { streams: number; streamTokens: number; longTokens: number; atMs: number },
): LoadRequest[] {
  return [
    ...Array.from({ length: streams }, (_, at): LoadRequest => ({
      prompt: make(`${seed}/${at}`, 32),
      maxTokens: streamTokens,
      atMs: 0,
    })),
    { prompt: make(`${seed}/long`, longTokens), maxTokens: 8, atMs, group: 'long' },
  ]
}
