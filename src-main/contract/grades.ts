/**
 * Grade specs: versioned data, never constants. The exchange publishes them; exam, market, core and screens read them.
 */
import { z } from 'zod'

import { instrument, measured, ordinal, smallRecord } from './primitives.ts'

/** A share with a floor and a target, for instance 0.70 and 0.80. See docs/exam.md, Verdict. */
const share = z
  .object({ floor: z.number().gt(0).lt(1), target: z.number().gt(0).lt(1) })
  .refine((s) => s.target > s.floor, 'target must lie above floor')

/** Limits of one grade. Every token count is in the reference tokenizer's tokens. */
export const gradeLimits = z.object({
  /** Share of exam items right, over complete rounds of the level. */
  intelligence: share,
  /** Families with a floor of their own, for instance tools. */
  families: smallRecord(share, 32),
  /** Time to first token: at most 5 % of calls may be above the ceiling (judged 5 % against 2 %). */
  ttftCeilingMs: ordinal,
  /**
   * Reference tokens per second and stream: at most 5 % of calls may be below, single and at the deployment's slots.
   */
  throughputFloorTokPerS: measured.gt(0),
  /** Input plus output of one call. */
  contextTokens: ordinal,
  outputTokens: ordinal,
  /** Share of jobs that fail; provisional until 300 jobs. */
  errorRateCeiling: z.number().gt(0).lt(1),
})
export type GradeLimits = z.infer<typeof gradeLimits>

export const gradeSpec = z.object({
  instrument,
  /** Rises with every change; a qualification names the version it was won under. */
  version: ordinal,
  title: z.string().min(1).max(80),
  /** Floors not calibrated on real models say so on every screen. */
  provisional: z.boolean(),
  /** Why it may not mean much, shown beside every verdict (for example: a smoke test solvable by a script). */
  caveat: z.string().max(400),
  level: z.union([z.literal(1), z.literal(2)]),
  /** Reference tokenizer for billing and throughput. `bytes4` = ceil(UTF-8 bytes / 4). */
  tokenizer: z.literal('bytes4'),
  /**
   * Output budget of one exam item in engine tokens where the level's own (128 at levels 1 and 2) does not fit the
   * context beside the longest prompt.
   */
  itemMaxTokens: z.number().int().min(16).max(8_192).optional(),
  limits: gradeLimits,
})
export type GradeSpec = z.infer<typeof gradeSpec>
export const gradeSpecs = z.array(gradeSpec).min(1).max(64)
