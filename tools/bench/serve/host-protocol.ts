/** What the benchmark and its Stoker process say to each other. */
import type { Calibration } from '#core/engine/engines.port.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'

export type ToHost =
  | { t: 'calibrate'; file: string; settings: EngineSettings }
  | { t: 'open'; file: string; settings: EngineSettings }
  | { t: 'deadlines'; byPrompt: [prompt: string, deadlineMs: number][] }
  | { t: 'reset-loop' }
  | { t: 'loop' }

/** One for each message, in order. */
export type FromHost =
  | { t: 'calibrated'; calibration: Calibration }
  | { t: 'opened'; url: string; key: string; model: string; engine: string }
  | { t: 'ok' }
  | { t: 'loop'; p99Ms: number }
  | { t: 'failed'; message: string }
