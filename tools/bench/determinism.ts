/**
 * `npm run bench:determinism`: where does the engine give the same tokens again? For the bundled model and random
 * shapes of two weight types: 8 prompts, 48 tokens each, alone and in a batch of eight, with one thread and with all,
 * whole prompts and chunks of 16 tokens, greedy and drawn with a seed. Counts how many of the eight answers are equal
 * to the reference (alone, one thread, whole prompt).
 */
import { availableParallelism } from 'node:os'

import type { ModelSha256 } from '#contract/ids.ts'
import { openNative } from '#engine/host/native/native-library.ts'
import { loadNativeModel } from '#engine/host/native/native-model.ts'
import { findNative } from '#engine/host/native/native-packages.ts'
import type { SamplerOptions, StepModel } from '#engine/host/scheduler/step-model.ts'

import { promptMaker } from './serve/bench-prompts.ts'
import { ensureShape } from './shapes.ts'

const PROMPTS = 8
const TOKENS = 48
const PLAIN = {
  topP: 1,
  topK: 40,
  minP: 0,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 0,
  logitBias: [],
  maskEnd: true,
  grammar: null,
  logprobs: null,
}
const SAMPLERS: Record<string, SamplerOptions> = {
  greedy: { ...PLAIN, temperature: 0, seed: 0 },
  'temperature 0.8, seed 7': { ...PLAIN, temperature: 0.8, seed: 7 },
}

/** Answers of the prompts whose indices are given, all in one batch; slots from 0 on. */
async function answers(
  model: StepModel,
  prompts: readonly number[][],
  options: SamplerOptions,
  chunk: number,
): Promise<string[]> {
  const jobs = await Promise.all(
    prompts.map(async (prompt) => ({ prompt, sampler: await model.sampler(options), out: [] as number[] })),
  )
  for (const [slot, { prompt }] of jobs.entries()) {
    await model.keep(slot, 0)
    const before = prompt.slice(0, -1)
    for (let at = 0; at < before.length; at += chunk)
      await model.step([{ slot, position: at, tokens: before.slice(at, at + chunk), sampler: null }])
  }
  let choices = await model.step(
    jobs.map(({ prompt, sampler }, slot) => ({ slot, position: prompt.length - 1, tokens: prompt.slice(-1), sampler })),
  )
  for (let step = 0; step < TOKENS; step += 1) {
    for (const [at, choice] of choices.entries()) jobs[at]?.out.push(choice?.token ?? -1)
    choices = await model.step(
      jobs.map(({ prompt, sampler, out }, slot) => ({
        slot,
        position: prompt.length + step,
        tokens: [out.at(-1) ?? 0],
        sampler,
      })),
    )
  }
  for (const { sampler } of jobs) sampler.dispose()
  return jobs.map(({ out }) => out.join(','))
}

async function alone(
  model: StepModel,
  prompts: readonly number[][],
  options: SamplerOptions,
  chunk: number,
): Promise<string[]> {
  const all: string[] = []
  for (const prompt of prompts) all.push(...(await answers(model, [prompt], options, chunk)))
  return all
}

const place = findNative(null)
if (place === null) throw new Error('the prebuilt libraries of node-llama-cpp were not found')
const native = openNative(place)
const threads = availableParallelism()
const files = {
  nano: 'resources/models/nano.gguf',
  'tiny q8_0': ensureShape({ preset: 'tiny', type: 'q8_0' }),
  'tiny f16': ensureShape({ preset: 'tiny', type: 'f16' }),
  'mini q8_0': ensureShape({ preset: 'mini', type: 'q8_0' }),
}
console.log(`Answers equal to the reference (alone, 1 thread, whole prompt), of ${PROMPTS}; ${TOKENS} tokens each\n`)
console.log(
  `| model | sampling | again | ${threads} threads | batch of ${PROMPTS} | chunks of 16 |\n|---|---|---|---|---|---|`,
)
for (const [name, path] of Object.entries(files)) {
  const model = loadNativeModel(native, path, '0'.repeat(64) as ModelSha256, {
    contextTokens: 160,
    slots: PROMPTS,
    threads,
    gpuLayers: 0,
    prefixReuse: true,
  })
  const prompts = Array.from({ length: PROMPTS }, (_, at) =>
    model.vocabulary.tokenize(promptMaker(1)(`determinism ${at}`, 40), { begins: true }).slice(0, 100),
  )
  for (const [sampling, options] of Object.entries(SAMPLERS)) {
    model.setThreads(1)
    const reference = await alone(model, prompts, options, 512)
    const same = (other: readonly string[]): number => other.filter((answer, at) => answer === reference[at]).length
    const again = same(await alone(model, prompts, options, 512))
    model.setThreads(threads)
    const threaded = same(await alone(model, prompts, options, 512))
    model.setThreads(1)
    const batched = same(await answers(model, prompts, options, 512))
    const chunked = same(await alone(model, prompts, options, 16))
    console.log(`| ${name} | ${sampling} | ${again} | ${threaded} | ${batched} | ${chunked} |`)
  }
  await model.dispose()
}
