/**
 * Evaluates fixed texts in a process of its own and says the likeliest token after each position. Arguments: GPU layers,
 * which loop (`auto` or `public`), and a file of texts as tokens: written where it is not there (each prompt, and the
 * model's own greedy answer to it), read where it is. It writes one line of JSON.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { loadStepModel } from '#engine/host/native/llama-model.ts'
import type { SamplerOptions, StepSampler } from '#engine/host/scheduler/step-model.ts'

import { NANO, ONE_SLOT, SHA } from '../engine/engine-support.ts'

/** A text a slot, of what the nano model was trained to read. */
const TEXTS = [
  'Hello! I am a tiny model. What is 8 + 11? 19. What is 23 + 45? 68. Sort these numbers: 3, 9, 1.',
  'Anna has 4 apples and gets 5 more. How many apples does she have? 9. The code of the red box is K7.',
  'All cats are animals. Tom is a cat. Is Tom an animal? Yes. x = 3; y = x + 4; print(y) gives 7.',
  'Call the tool add with a = 2 and b = 5. {"name": "add", "arguments": {"a": 2, "b": 5}} Say hello.',
]
const PROMPT_TOKENS = 30
/** Positions of each text that count: the answer's. */
const POSITIONS = 90
const GREEDY: SamplerOptions = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: 1,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 0,
  logitBias: [],
  maskEnd: true,
  grammar: null,
  logprobs: null,
}

const [layers = '0', loop = 'auto', file = ''] = process.argv.slice(2)
const model = await loadStepModel(
  NANO,
  SHA,
  { ...ONE_SLOT, slots: TEXTS.length, gpuLayers: Number(layers), flashAttention: 'on' },
  { loop: loop as 'auto' | 'public' },
)
const sampler = await model.sampler(GREEDY)
const prompts = TEXTS.map((text) => model.vocabulary.tokenize(text, { begins: true }).slice(0, PROMPT_TOKENS))

type Rows = readonly (readonly number[])[]
const stepOf = async (rows: Rows, position: number, by: StepSampler): Promise<number[]> =>
  (await model.step(rows.map((tokens, slot) => ({ slot, position, tokens, sampler: by })))).map(
    (one) => one?.token ?? -1,
  )

/** Prompts as one step, then token by token: what is given, or where nothing is, its own likeliest. */
async function likeliestOf(given: Rows | null, positions: number): Promise<number[][]> {
  const found = (await stepOf(prompts, 0, sampler)).map((token) => [token])
  for (let at = 0; at + 1 < positions; at += 1) {
    const next = found.map((own, slot) => [given?.[slot]?.[at] ?? own[at] ?? 0])
    for (const [slot, token] of (await stepOf(next, PROMPT_TOKENS + at, sampler)).entries()) found[slot]?.push(token)
  }
  return found
}

const given = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Rows) : null
const likeliest = await likeliestOf(loop === 'public' ? null : given, loop === 'public' ? 4 : POSITIONS)
if (file !== '' && given === null) writeFileSync(file, JSON.stringify(likeliest))
const { device, engine } = model.model
await model.dispose()
process.stdout.write(`${JSON.stringify({ device, engine, kind: model.kind, likeliest: likeliest.flat() })}\n`, () =>
  process.exit(0),
)
