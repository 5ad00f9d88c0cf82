/** The requests of a cell in one round: the same for every side, different ones in every round. */
import { COLD_JOBS, type Cell, type SideName } from './cells.ts'
import { longAmongStreams, mixed, sharedPrefix, steady } from './traces.ts'

import type { LoadRequest } from './load-types.ts'
import type { PromptMaker } from './bench-prompts.ts'

/** Of practice/text-nano, the grade that the bundled model serves. */
export const GRADE = { ttftCeilingMs: 5_000, throughputFloorTokPerS: 10 }
/** The long prompt arrives when the streams are under way. */
const LONG_AT_MS = 1_000
const OWN_TOKENS = 16
/** Arrivals of the mixed trace go on for so long, whatever the machine's speed. */
const MIXED_SECONDS = 30
const MIXED_MIN = 20

/** `perSecond`: arrivals of the mixed trace. `round` may be any text; `warm` for what is thrown away. */
export function requestsOf(cell: Cell, make: PromptMaker, round: string, perSecond: number): LoadRequest[] {
  const seed = `${cell.id}/${round}`
  const { requests, promptTokens, maxTokens } = cell
  switch (cell.kind) {
    case 'steady':
      return steady(make, seed, { requests, promptTokens, maxTokens })
    case 'mixed':
      return mixed(make, seed, {
        requests: Math.min(requests, Math.max(MIXED_MIN, Math.round(perSecond * MIXED_SECONDS))),
        perSecond,
        ...GRADE,
      })
    case 'prefix':
      return sharedPrefix(make, seed, { jobs: requests, prefixTokens: promptTokens, ownTokens: OWN_TOKENS, maxTokens })
    case 'long':
      return longAmongStreams(make, seed, {
        streams: cell.concurrency,
        streamTokens: maxTokens,
        longTokens: promptTokens,
        atMs: LONG_AT_MS,
      })
  }
}

/** Without reuse every job evaluates the prefix again: fewer jobs are enough. */
export const shareOf = (side: SideName, requests: LoadRequest[]): LoadRequest[] =>
  side === 'stoker-cold' ? requests.slice(0, COLD_JOBS) : requests
