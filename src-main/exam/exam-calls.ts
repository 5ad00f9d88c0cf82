/**
 * The requests of an exam: questions, and load calls that fill the grade's context. Source: docs/exam.md, Decoding and
 * budgets, Load calls.
 */
import { createHash } from 'node:crypto'

import type { GradeSpec } from '#contract/grades.ts'
import type { InferenceRequest } from '#contract/inference.ts'

import lists from '../../resources/exam/lists.json' with { type: 'json' }
import { Draws, examItem, FAMILIES, type Family, type Level } from './generate-items.ts'
import type { ExamCall, ExamPhase } from './exam-types.ts'

/** Visible output budget of one item at levels 1 and 2, in engine tokens. */
const ITEM_TOKENS = 128
/** Sampling of the practice grades: greedy. Top-k is the engine's cap and has no effect at temperature 0. */
export const EXAM_SAMPLING = { temperature: 0, topP: 1, topK: 40, minP: 0 } as const

/** One place in an exam's plan: an item of a family, or a load call. */
export type Place = { phase: 'items'; family: Family; index: number } | { phase: 'single' | 'slots'; index: number }

export const placeId = (level: Level, place: Place): string =>
  `${place.phase === 'items' ? place.family : `load-${place.phase}`}/${level}/${place.index}`

/** The place a call id names at a level; null when it names none. */
export function placeOf(level: Level, callId: string): Place | null {
  const [, what, stated, digits] = /^([a-z-]{1,20})\/([1-5])\/(0|[1-9]\d{0,5})$/.exec(callId) ?? []
  if (stated !== String(level)) return null
  const index = Number(digits)
  if (what === 'load-single' || what === 'load-slots')
    return { phase: what === 'load-single' ? 'single' : 'slots', index }
  const family = FAMILIES.find((candidate) => candidate === what)
  return family === undefined ? null : { phase: 'items', family, index }
}

/** First 32 bits of SHA-256(call id), big-endian. */
export const samplingSeed = (callId: string): number =>
  createHash('sha256').update(callId, 'utf8').digest().readUInt32BE(0)

/**
 * Exactly contextTokens − outputTokens reference tokens: words drawn with the family `load-single` or `load-slots`,
 * joined by spaces and cut to length, then a request that any model answers with plain words (a small one left without
 * a request may answer in single characters, finer than the reference tokens).
 */
export function loadPrompt(spec: GradeSpec, seed: string, phase: 'single' | 'slots', index: number): string {
  const bytes = 4 * (spec.limits.contextTokens - spec.limits.outputTokens)
  const draws = new Draws(seed, `load-${phase}`, spec.level, index)
  const end = `. Write the word ${draws.pick(lists.words)} 5 times, separated by single spaces. Write nothing else.`
  let words = draws.pick(lists.words)
  while (words.length < bytes) words += ` ${draws.pick(lists.words)}`
  // The lists are ASCII, so a character is a byte.
  return `${words.slice(0, Math.max(0, bytes - end.length))}${end}`.slice(-bytes)
}

function request(callId: string, content: string, maxTokens: number, ignoreEos: boolean): InferenceRequest {
  return {
    messages: [{ role: 'user', content }],
    maxTokens,
    sampling: { ...EXAM_SAMPLING, seed: samplingSeed(callId) },
    stop: [],
    ignoreEos,
  }
}

/** The call at a place of the plan. */
export function examCall(spec: GradeSpec, seed: string, place: Place): ExamCall {
  const callId = placeId(spec.level, place)
  const phase: ExamPhase = place.phase
  if (place.phase === 'items') {
    return {
      callId,
      phase,
      request: request(
        callId,
        examItem(seed, place.family, spec.level, place.index).prompt,
        spec.itemMaxTokens ?? ITEM_TOKENS,
        false,
      ),
    }
  }
  return {
    callId,
    phase,
    request: request(callId, loadPrompt(spec, seed, place.phase, place.index), spec.limits.outputTokens, true),
  }
}
