import { describe, expect, it } from 'vitest'

import { inputTokens } from '#contract/bytes4.ts'
import { examCall, loadPrompt, placeId, placeOf, samplingSeed, type Place } from '#exam/exam-calls.ts'
import { examItem } from '#exam/generate-items.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { callRate, judgeCall } from '#exam/judge-call.ts'
import type { CallResult } from '#exam/exam-types.ts'

const [nano] = loadGradeSpecs() as [ReturnType<typeof loadGradeSpecs>[number]]
const LOAD: Place = { phase: 'single', index: 0 }
const result = (over: Partial<CallResult>): CallResult => ({
  callId: 'load-single/1/0',
  reply: 'word'.repeat(32),
  error: null,
  finish: 'length',
  ttftMs: 50,
  durationMs: 1_050,
  streamMs: 1_000,
  firstDeltaBytes: 4,
  ...over,
})

describe('grades', () => {
  it('ships the two training grades with the floors their exams are judged by', () => {
    const [first, second] = loadGradeSpecs()
    expect([first!.instrument, second!.instrument]).toEqual(['practice/text-nano', 'practice/text-micro'])
    expect(first).toMatchObject({
      level: 1,
      provisional: true,
      limits: {
        intelligence: { floor: 0.7, target: 0.8 },
        ttftCeilingMs: 5_000,
        throughputFloorTokPerS: 10,
        contextTokens: 128,
        outputTokens: 32,
      },
    })
    expect(second).toMatchObject({
      level: 2,
      limits: { intelligence: { floor: 0.6, target: 0.7 }, families: { tools: { floor: 0.8, target: 0.9 } } },
    })
  })
})

describe('calls', () => {
  it('keeps the load prompt to the byte (catches a change of draws that would break old transcripts’ reruns)', () => {
    const prompt = loadPrompt(nano, 'vector-1', 'single', 0)
    expect(prompt).toMatch(
      /^(?:(?:apple|river|stone|cloud|light|green|paper|table|music|water|bread|chair|horse|train|smile|tiger|lemon|night|ocean|piano) )+[a-z]{0,5}\. Write the word [a-z]{5} 5 times, separated by single spaces\. Write nothing else\.$/,
    )
    expect(new TextEncoder().encode(prompt)).toHaveLength(384)
    expect(prompt).toBe(
      'ocean music lemon smile table stone train bread smile apple chair paper night cloud ocean music paper music music water bread music train night night river train horse smile paper paper smile water piano ocean cloud train tiger river night smile piano water smile tiger cloud ocean bread smile paper piano. Write the word light 5 times, separated by single spaces. Write nothing else.',
    )
    expect(loadPrompt(nano, 'vector-1', 'slots', 0)).not.toBe(prompt)
  })

  it.each([16, 33, 100, 4_096])('fills a context of %i reference tokens exactly', (contextTokens) => {
    const spec = { ...nano, limits: { ...nano.limits, contextTokens, outputTokens: 8 } }
    expect(inputTokens(examCall(spec, 's', LOAD).request.messages)).toBe(contextTokens - 8)
  })

  it('seeds the sampling with the first 32 bits of SHA-256 of the call id', () => {
    // printf 'arith/1/0' | sha256sum
    expect(samplingSeed('arith/1/0').toString(16).padStart(8, '0')).toBe('a49be38b')
  })

  it.each([
    'arith/2/0',
    'arith/1/',
    'arith/1/-1',
    'arith/1/01',
    'poems/1/0',
    'load-single/1/0/0',
    'load/1/0',
    '',
    'constructor/1/0',
  ])('finds no place at level 1 for %j', (id) => {
    expect(placeOf(1, id)).toBeNull()
  })

  it.each<Place>([LOAD, { phase: 'slots', index: 499 }, { phase: 'items', family: 'trace', index: 169 }])(
    'finds the place of its own ids',
    (place) => {
      expect(placeOf(1, placeId(1, place))).toEqual(place)
    },
  )
})

describe('judging a call', () => {
  it('rates a stream by what came after the first delta', () => {
    expect(callRate(result({}))).toBeCloseTo(31, 6)
  })

  it('rates a reply in one delta by the whole call (catches an infinite or zero rate)', () => {
    expect(callRate(result({ streamMs: 0, firstDeltaBytes: 128, durationMs: 800 }))).toBeCloseTo(40, 6)
    expect(callRate(result({ streamMs: 0, firstDeltaBytes: 128, durationMs: 0 }))).toBe(32_000)
  })

  it('rates two deltas of one moment by the whole call: there is no stream to time', () => {
    expect(callRate(result({ streamMs: 0, firstDeltaBytes: 64, durationMs: 800 }))).toBeCloseTo(40, 6)
  })

  it('does not let a straggling last delta hide a fast call, nor a large first one make a slow call fast', () => {
    expect(callRate(result({ firstDeltaBytes: 124, streamMs: 500, durationMs: 640 }))).toBeCloseTo(50, 6)
    expect(callRate(result({ firstDeltaBytes: 124, streamMs: 10_000, durationMs: 10_010 }))).toBeLessThan(10)
  })

  it('has no rate and no first token for a call without a delta', () => {
    expect(
      judgeCall(
        nano,
        's',
        LOAD,
        result({ reply: '', error: 'DEADLINE', ttftMs: null, streamMs: 0, firstDeltaBytes: 0 }),
      ),
    ).toEqual({
      itemId: 'load-single/1/0',
      phase: 'single',
      right: false,
      reason: 'error DEADLINE',
      ttftMs: null,
      tokens: 0,
      tokPerS: null,
    })
  })

  it('has no first token where no text came, whatever was timed', () => {
    expect(judgeCall(nano, 's', LOAD, result({ reply: '', ttftMs: 50 }))).toMatchObject({
      ttftMs: null,
      tokens: 0,
      tokPerS: null,
    })
  })

  it.each([
    ['half of the tokens', 'word'.repeat(16), true, 'in full'],
    ['one less than half', 'word'.repeat(15), false, 'fewer than half of the tokens'],
  ])('a load call with %s: %s', (_, reply, right, reason) => {
    expect(judgeCall(nano, 's', LOAD, result({ reply }))).toMatchObject({ right, reason })
  })

  it('says when a full call was below the throughput floor', () => {
    expect(judgeCall(nano, 's', LOAD, result({ streamMs: 4_000, durationMs: 4_050 }))).toMatchObject({
      right: true,
      reason: 'in full, below the throughput floor',
    })
  })

  it.each([
    ['at the floor is in full', 'word'.repeat(32), 3_100, 'in full'],
    ['just below it says so', 'word'.repeat(32), 3_101, 'in full, below the throughput floor'],
    ['that is short is short, however slow', 'word'.repeat(15), 9_000, 'fewer than half of the tokens'],
  ])('a load call %s', (_, reply, streamMs, reason) => {
    // 31 tokens after the first delta.
    expect(judgeCall(nano, 's', LOAD, result({ reply, streamMs, durationMs: streamMs + 50_000 }))).toMatchObject({
      reason,
    })
  })

  it('has no rate for a question, so that a right answer is never slow', () => {
    const place: Place = { phase: 'items', family: 'arith', index: 0 }
    const reply = examItem('s', 'arith', 1, 0).answer
    expect(judgeCall(nano, 's', place, result({ reply, streamMs: 90_000, durationMs: 90_000 }))).toMatchObject({
      itemId: 'arith/1/0',
      right: true,
      reason: 'right',
      tokPerS: null,
    })
  })

  it('counts a failed call as wrong whatever text had come (catches a verdict on half an answer)', () => {
    expect(judgeCall(nano, 's', LOAD, result({ error: 'ENGINE_CRASHED' }))).toMatchObject({
      right: false,
      reason: 'error ENGINE_CRASHED',
      tokens: 32,
    })
  })

  it('keeps the reason within 80 characters', () => {
    expect(judgeCall(nano, 's', LOAD, result({ error: 'X'.repeat(200) })).reason).toHaveLength(80)
  })
})
