/**
 * `restored.json` of the data folder: that what lies here was put back from a copy, which one, and when. It is written
 * with the restored files and stays; its `id` is another at every restore, so that the start after it raises the epochs
 * once (restores.store.ts).
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { epochMs } from '#contract/primitives.ts'

export const RESTORED = 'restored.json'
const BYTES_MAX = 8_192

const restored = z.object({
  v: z.literal(1),
  id: z.string().max(64),
  at: epochMs,
  /** When the copy was made. */
  madeAt: epochMs,
  /** Where the copy lay. */
  from: z.string().max(4_096),
  /** The Stoker that made the copy. */
  app: z.string().max(40),
  /** How often the folder that was replaced had started: this one must stand before that one too. */
  starts: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
})
export type Restored = z.infer<typeof restored>

export const restoredText = (facts: Omit<Restored, 'v'>): string => `${JSON.stringify({ v: 1, ...facts })}\n`

/** Null when the folder was never restored, or the file cannot be read. */
export function readRestored(dataDir: string): Restored | null {
  const path = join(dataDir, RESTORED)
  try {
    return statSync(path).size > BYTES_MAX ? null : restored.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}
