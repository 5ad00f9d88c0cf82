/**
 * Evaluates fixed texts in a process of its own and says the likeliest token after each position. Arguments: GPU layers,
 * and which loop (`auto` or `public`). It writes one line of JSON: device, loop, tokens.
 */
import { loadStepModel } from '#engine/host/native/llama-model.ts'
import type { SamplerOptions } from '#engine/host/scheduler/step-model.ts'
import { ensureShape } from '../../tools/bench/shapes.ts'

import { NANO, ONE_SLOT, SHA } from '../engine/engine-support.ts'

/** What the nano model was trained to read, from its own words to sums, lists and codes. */
const TEXTS = [
  'Hello! I am a tiny model. What is 8 + 11? 19. What is 23 + 45? 68. Which is larger, 17 or 71? 71. Sort these numbers: 3, 9, 1. The answer is 1, 3, 9. What is 12 + 30? 42.',
  'Anna has 4 apples and gets 5 more. How many apples does she have? 9. The code of the red box is K7. The code of the blue box is M2. What is the code of the blue box? M2.',
  'All cats are animals. Tom is a cat. Is Tom an animal? Yes. x = 3; y = x + 4; print(y) gives 7. x = 2; x = x * 5; print(x) gives 10. Answer with one word: yes or no.',
  'Call the tool add with a = 2 and b = 5. {"name": "add", "arguments": {"a": 2, "b": 5}} Extract the name from: My name is Bob and I live in Rome. Bob. Say hello. Hello!',
]
/** Positions of each text: the nano model's context is 192. */
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
  maskEnd: false,
  grammar: null,
  logprobs: null,
}

const [layers = '0', loop = 'auto', shape = 'nano'] = process.argv.slice(2)
const path = shape === 'nano' ? NANO : ensureShape({ preset: 'tiny', type: 'q8_0' })
const model = await loadStepModel(
  path,
  SHA,
  { ...ONE_SLOT, slots: TEXTS.length, gpuLayers: Number(layers), flashAttention: 'on' },
  { loop: loop as 'auto' | 'public' },
)
const rows = TEXTS.map((text) => {
  const tokens = model.vocabulary.tokenize(text, { begins: true })
  return Array.from({ length: POSITIONS }, (_, at) => tokens[at % tokens.length] ?? 0)
})
const likeliest: (number | null)[] = []
if (loop === 'public')
  // Its samplers continue their own answers, so it shows that the loop answers at all, with a text a slot.
  for (let step = 0, samplers = await Promise.all(rows.map(() => model.sampler(GREEDY))); step < 4; step += 1) {
    const sampled = await model.step(
      rows.map((row, slot) => ({
        slot,
        position: step === 0 ? 0 : row.length + step - 1,
        tokens: step === 0 ? row : [likeliest.at(slot - rows.length) ?? 0],
        sampler: samplers[slot] ?? null,
      })),
    )
    likeliest.push(...sampled.map((one) => one?.token ?? null))
  }
else {
  const sampler = await model.sampler(GREEDY)
  for (let position = 0; position < POSITIONS; position += 1)
    likeliest.push(
      ...(await model.step(rows.map((row, slot) => ({ slot, position, tokens: [row[position] ?? 0], sampler })))).map(
        (one) => one?.token ?? null,
      ),
    )
  sampler.dispose()
}
const { device, engine } = model.model
await model.dispose()
process.stdout.write(`${JSON.stringify({ device, engine, kind: model.kind, likeliest })}\n`, () => process.exit(0))
