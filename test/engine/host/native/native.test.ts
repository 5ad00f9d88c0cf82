/**
 * The native step loop on the real bundled model: the shape of the library, and that copies, saved states, grammar and
 * seeds do what the scheduler builds on.
 */
import { resolve } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { ModelSha256 } from '#contract/ids.ts'
import { openNative, shapeProblem } from '#engine/host/native/native-library.ts'
import { loadNativeModel } from '#engine/host/native/native-model.ts'
import { findNative, packageNames } from '#engine/host/native/native-packages.ts'
import { CONTEXT_DEFAULTS, MODEL_DEFAULTS, NATIVE_VERSIONS } from '#engine/host/native/native-prototypes.ts'
import type { NativeLlama } from '#engine/host/native/native-types.ts'
import type { SamplerOptions, StepModel } from '#engine/host/scheduler/step-model.ts'

const NANO = resolve('resources/models/nano.gguf')
const GREEDY: SamplerOptions = {
  temperature: 0,
  topP: 1,
  topK: 40,
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

let native: NativeLlama
let model: StepModel
let prompt: number[]

beforeAll(() => {
  const place = findNative(null)
  if (place === null)
    throw new Error(
      'node-llama-cpp’s libraries for this platform are not where they were: the native loop would never be used',
    )
  native = openNative(place)
  model = loadNativeModel(native, NANO, '0'.repeat(64) as ModelSha256, {
    contextTokens: 192,
    slots: 4,
    threads: 2,
    gpuLayers: 0,
    prefixReuse: true,
  })
  // Two threads on a busy machine wait for each other: only the test that compares them uses both.
  model.setThreads(1)
  prompt = model.vocabulary.tokenize('the quick brown fox jumps over the lazy dog', { begins: true })
})
afterAll(() => model.dispose())

/** Tokens chosen one after another in `slot`, which holds the first `from` tokens of the prompt. */
async function generate(
  slot: number,
  options: Partial<SamplerOptions> = {},
  { from = 0, steps = 12 } = {},
): Promise<number[]> {
  if (from === 0) await model.keep(slot, 0)
  const sampler = await model.sampler({ ...GREEDY, ...options })
  const out: number[] = []
  let position = prompt.length
  let [choice] = await model.step([{ slot, position: from, tokens: prompt.slice(from), sampler }])
  while (choice !== null && choice !== undefined && out.length < steps) {
    out.push(choice.token)
    ;[choice] = await model.step([{ slot, position, tokens: [choice.token], sampler }])
    position += 1
  }
  sampler.dispose()
  return out
}
const textOf = (tokens: readonly number[]): string =>
  Buffer.concat(tokens.map((token) => model.vocabulary.bytesOf(token))).toString('utf8')

describe('the shape of the library', () => {
  it('is the one that was declared, on this platform', () => {
    expect(native.llama_model_default_params()).toMatchObject(MODEL_DEFAULTS)
    expect(native.llama_context_default_params()).toMatchObject(CONTEXT_DEFAULTS)
  })
  it('is refused when a version or a field moves', () => {
    const right = {
      ggml: NATIVE_VERSIONS.ggml,
      llama: `${NATIVE_VERSIONS.llama}-dev`,
      model: { ...MODEL_DEFAULTS },
      context: { ...CONTEXT_DEFAULTS },
    }
    expect(shapeProblem(right)).toBeNull()
    expect(shapeProblem({ ...right, ggml: '0.26.0' })).toContain('0.26.0')
    expect(shapeProblem({ ...right, context: { ...CONTEXT_DEFAULTS, n_ubatch: 2_048 } })).toContain('n_ubatch')
    expect(shapeProblem({ ...right, model: { ...MODEL_DEFAULTS, n_gpu_layers: 0 } })).toContain('n_gpu_layers')
  })
  it('names the packages of every platform that has one', () => {
    expect(packageNames('linux', 'x64', null)).toEqual(['linux-x64'])
    expect(packageNames('linux', 'x64', 'cuda')).toEqual(['linux-x64-cuda'])
    expect(packageNames('darwin', 'arm64', 'metal')).toEqual(['mac-arm64-metal'])
    expect(packageNames('win32', 'x64', 'vulkan')).toEqual(['win-x64-vulkan'])
    expect(packageNames('sunos', 'x64', null)).toEqual([])
  })
})

describe('sequences', () => {
  it('copied or restored go on exactly as the one they came from', async () => {
    const expected = await generate(0)
    expect(await model.copy(0, 2, prompt.length - 1)).toBe(prompt.length - 1)
    expect(await generate(2, {}, { from: prompt.length - 1 })).toEqual(expected)
    const saved = await model.save(0)
    expect(saved?.bytes).toBeGreaterThan(1_000)
    expect(await model.restore(3, saved!)).toBe(true)
    expect(await model.keep(3, prompt.length - 1)).toBe(prompt.length - 1)
    expect(await generate(3, {}, { from: prompt.length - 1 })).toEqual(expected)
    saved?.dispose()
    expect(await model.restore(3, saved!)).toBe(false)
    expect(await model.keep(3, 5)).toBe(0)
  })
  it('copied twice before a step hold what the first one held, and a copy survives its source (a copy that is only noted down)', async () => {
    const expected = await generate(0)
    const [most, other] = [
      prompt.length - 1,
      model.vocabulary.tokenize('quite other words that were here before, and some more of them'),
    ]
    for (const slot of [1, 2]) {
      await model.keep(slot, 0)
      await model.step([{ slot, position: 0, tokens: other, sampler: null }])
    }
    await model.copy(0, 1, most)
    await model.copy(1, 2, most)
    expect(await generate(2, {}, { from: most })).toEqual(expected)
    await model.keep(3, 0)
    await model.step([{ slot: 3, position: 0, tokens: other, sampler: null }])
    const saved = await model.save(3)
    await model.copy(0, 1, most)
    await model.restore(0, saved!)
    expect(await generate(1, {}, { from: most })).toEqual(expected)
  })
  it('choose the same tokens alone and in a batch of four', async () => {
    const alone = await generate(0)
    const samplers = await Promise.all([0, 1, 2, 3].map(() => model.sampler(GREEDY)))
    for (const slot of [0, 1, 2, 3]) await model.keep(slot, 0)
    let choices = await model.step(
      [0, 1, 2, 3].map((slot, at) => ({ slot, position: 0, tokens: prompt, sampler: samplers[at]! })),
    )
    const out: number[][] = [[], [], [], []]
    for (let step = 0; step < 12; step += 1) {
      choices.forEach((choice, at) => out[at]?.push(choice?.token ?? -1))
      choices = await model.step(
        choices.map((choice, slot) => ({
          slot,
          position: prompt.length + step,
          tokens: [choice?.token ?? 0],
          sampler: samplers[slot]!,
        })),
      )
    }
    for (const tokens of out) expect(tokens).toEqual(alone)
  })
  it('give the same tokens with one thread and with two', async () => {
    const one = await generate(0)
    model.setThreads(2)
    expect(await generate(0)).toEqual(one)
    model.setThreads(1)
  })
})

describe('samplers', () => {
  it('draw the same tokens from the same seed, and others from another', async () => {
    const hot = { temperature: 1.2, seed: 7 }
    const first = await generate(0, hot, { steps: 24 })
    expect(await generate(0, hot, { steps: 24 })).toEqual(first)
    expect(await generate(0, { ...hot, seed: 8 }, { steps: 24 })).not.toEqual(first)
  })
  it('follow a grammar, and end with it', async () => {
    const tokens = await generate(0, {
      maskEnd: false,
      grammar: { gbnf: 'root ::= "{" [0-9] [0-9] "}"', triggers: [] },
    })
    expect(textOf(tokens.filter((token) => !model.vocabulary.isEnd(token)))).toMatch(/^\{\d\d\}$/)
  })
  it('refuse a grammar that does not parse', async () => {
    await expect(model.sampler({ ...GREEDY, grammar: { gbnf: 'root ::= (', triggers: [] } })).rejects.toMatchObject({
      code: 'GRAMMAR_INVALID',
    })
  })
  it('never choose a token whose bias is minus infinity', async () => {
    const [likely = -1] = await generate(0, {}, { steps: 1 })
    const [other] = await generate(0, { logitBias: [[likely, Number.NEGATIVE_INFINITY]] }, { steps: 1 })
    expect(other).not.toBe(likely)
  })
  it('penalise what was said already', async () => {
    const plain = await generate(0, {}, { steps: 40 })
    const penalised = await generate(0, { presencePenalty: 2, frequencyPenalty: 2, penaltyTokens: 64 }, { steps: 40 })
    expect(new Set(penalised).size).toBeGreaterThan(new Set(plain).size)
  })
  it('report log-probabilities that sum to at most one, the greedy choice first', async () => {
    const sampler = await model.sampler({ ...GREEDY, maskEnd: false, logprobs: 5 })
    await model.keep(0, 0)
    const [choice] = await model.step([{ slot: 0, position: 0, tokens: prompt, sampler }])
    sampler.dispose()
    expect(choice?.top).toHaveLength(5)
    expect(choice?.top?.[0]).toEqual({ token: choice?.token, logprob: choice?.logprob })
    const sum = choice?.top?.reduce((total, { logprob }) => total + Math.exp(logprob), 0) ?? 0
    expect(sum).toBeGreaterThan(0.1)
    expect(sum).toBeLessThanOrEqual(1.000001)
  })
})

it('ends no text of a chat model with a token of its own', () => {
  expect(model.vocabulary.end).toBeNull()
})

it('says that a chat model makes no embeddings', async () => {
  await expect(model.embed(prompt)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
})

describe('a grammar that waits for its marker', () => {
  /** Greedy text, and where its third token begins and ends: that token serves as the marker. */
  async function spoken(): Promise<{ text: string; marker: string; before: string }> {
    const tokens = await generate(0, { maskEnd: false }, { steps: 8 })
    return { text: textOf(tokens), marker: textOf(tokens.slice(2, 3)), before: textOf(tokens.slice(0, 2)) }
  }
  const options = (marker: string, rest: string): Partial<SamplerOptions> => ({
    maskEnd: false,
    grammar: { gbnf: `root ::= ${JSON.stringify(marker)} ${rest}`, triggers: [marker] },
  })

  it('holds from the marker on and not before', async () => {
    const { marker, before } = await spoken()
    const tokens = await generate(0, options(marker, '[0-9] [0-9] [0-9]'), { steps: 8 })
    const at = (before + marker).indexOf(marker)
    expect(textOf(tokens.filter((token) => !model.vocabulary.isEnd(token)))).toMatch(
      new RegExp(`^.{${at}}${marker}\\d\\d\\d$`),
    )
  })
  it('is left out when what was said already does not fit it: the process goes on', async () => {
    const { text, marker } = await spoken()
    const other = { maskEnd: false, grammar: { gbnf: 'root ::= "quite other" [0-9]+', triggers: [marker] } }
    expect(textOf(await generate(0, other, { steps: 8 }))).toBe(text)
  })
})
