/** The best number of threads for llama-server, by trial, for one model and one number of streams. */
import { availableParallelism } from 'node:os'

import { runPass } from './run-side.ts'
import { steady } from './traces.ts'

import type { LoadClient } from './client-process.ts'
import type { Fleet } from './fleet.ts'
import type { PromptMaker } from './bench-prompts.ts'

/** Up to so many cores, every number of threads is tried. */
const ALL_UP_TO = 4
const TRIES = 2
const TRY_MS = 6_000

/** Thread counts worth trying on so many cores. */
export function candidates(cores: number): number[] {
  if (cores <= ALL_UP_TO) return Array.from({ length: cores }, (_, at) => at + 1)
  const powers = [1, 2, 4, 8, 16, 32, 64].filter((threads) => threads < cores - 1)
  return [...new Set([...powers, Math.floor(cores / 2), cores - 1, cores])].toSorted((a, b) => a - b)
}

/** A runner-up that comes so near is no loser of a trial this short: it runs beside the best in every round. */
const NEAR = 0.8

export interface ThreadChoice {
  best: number
  /** Came near to the best; null when none did. */
  rival: number | null
  /** Tokens a second, the better of the tries, by number of threads. */
  seen: { threads: number; tokPerS: number }[]
}

export interface ThreadTrial {
  client: LoadClient
  fleet: Fleet
  make: PromptMaker
  name: string
  concurrency: number
  requests: number
  promptTokens: number
  maxTokens: number
}

/** The best of a trial, and the runner-up where it came near. */
export function chosen(seen: ThreadChoice['seen']): ThreadChoice {
  const [first, second] = seen.toSorted((a, b) => b.tokPerS - a.tokPerS)
  if (first === undefined) throw new Error('No number of threads was tried.')
  return {
    best: first.threads,
    rival: second !== undefined && second.tokPerS >= NEAR * first.tokPerS ? second.threads : null,
    seen,
  }
}

export async function bestThreads({
  client,
  fleet,
  make,
  name,
  concurrency,
  requests,
  promptTokens,
  maxTokens,
}: ThreadTrial): Promise<ThreadChoice> {
  const seen = candidates(availableParallelism()).map((threads) => ({ threads, tokPerS: 0 }))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    for (const each of seen) {
      const side = await fleet.llama(each.threads)
      const asked = steady(make, `threads/${name}/${attempt}`, { requests, promptTokens, maxTokens })
      const { tokPerS } = await runPass(client, side, { requests: asked, concurrency, limitMs: TRY_MS })
      each.tokPerS = Math.max(each.tokPerS, tokPerS)
    }
  }
  return chosen(seen)
}
