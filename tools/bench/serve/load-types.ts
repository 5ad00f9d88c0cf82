/** The runs that the load client is given, and its answers; plain data, sent between processes. */

export interface LoadRequest {
  prompt: string
  maxTokens: number
  /** Milliseconds after the start of the run; without it, as soon as a stream is free. */
  atMs?: number
  /** The buyer hangs up this many milliseconds after sending: an answer that is not complete by then is lost. */
  deadlineMs?: number
  /** The buyer cancels this many milliseconds after sending. */
  cancelMs?: number
  /** Measured separately: `long` is the long prompt among the streams. */
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
 * `whole`: complete. `late`: hung up at its deadline. `cancelled`: by the buyer. `cut`: by the run's time limit.
 * `refused`: answered with another status than 200.
 */
export type RequestOutcome = 'whole' | 'late' | 'cancelled' | 'cut' | 'refused' | 'failed'

export interface LoadAnswer {
  outcome: RequestOutcome
  /** Milliseconds since the start of the run. */
  sentMs: number
  endMs: number
  /** When each event with text arrived. */
  arrivals: number[]
  /** By the server's own usage; null when the stream ended before it. */
  usage: { prompt: number; cached: number; generated: number } | null
  /** What went wrong, shortened. */
  problem?: string
}
