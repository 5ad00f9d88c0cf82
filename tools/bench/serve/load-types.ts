/** What the load client is told and what it tells; plain data, sent between processes. */

export interface LoadRequest {
  prompt: string
  maxTokens: number
  /** Milliseconds after the start of the run; without it, as soon as a stream is free. */
  atMs?: number
  /** The buyer hangs up so many milliseconds after sending: what is not whole by then is lost. */
  deadlineMs?: number
  /** The buyer changes their mind so many milliseconds after sending. */
  cancelMs?: number
  /** Apart in the measures: `long` is the long prompt among the streams. */
  group?: 'long'
}

export interface LoadRun {
  url: string
  key: string | null
  model: string
  /** Requests at once, of those without an `atMs`. */
  concurrency: number
  requests: LoadRequest[]
  /** Everything is cut off then. */
  limitMs: number
}

/**
 * `late`: hung up at its deadline. `cancelled`: by its own will. `cut`: by the run's limit. `refused`: answered with
 * another status than 200.
 */
export type Outcome = 'whole' | 'late' | 'cancelled' | 'cut' | 'refused' | 'failed'

export interface LoadAnswer {
  outcome: Outcome
  /** Milliseconds since the start of the run. */
  sentMs: number
  endMs: number
  /** When each event with text arrived. */
  arrivals: number[]
  /** By the server's own usage; null when it ended before telling. */
  usage: { prompt: number; cached: number; generated: number } | null
  /** What went wrong, shortened. */
  problem?: string
}
