/**
 * Writes training rows for the nano model: one JSON array [prompt, answer] a line, exam items plus steps towards the
 * family it finds hardest (recall). Seeds start with `train-`, apart from every test's and every exam's. Usage: node
 * training/generate.ts COUNT > data.jsonl     node training/generate.ts --eval PER_FAMILY SEED > items.jsonl
 */
import lists from '../resources/exam/lists.json' with { type: 'json' }
import { examItem, FAMILIES, type Family, type Level } from '../src-main/exam/generate-items.ts'

/**
 * Weights by what an earlier model got wrong and can learn in an hour: comparing two numbers, two-digit sums, two-step
 * traces. Sorting and recall stay low at this size.
 */
const MIX: readonly [Family, Level, number][] = [
  ['arith', 1, 6],
  ['order', 1, 30],
  ['recall', 1, 4],
  ['extract', 1, 3],
  ['follow', 1, 4],
  ['logic', 1, 6],
  ['tools', 1, 3],
  ['trace', 1, 6],
  ['arith', 2, 24],
  ['order', 2, 4],
  ['recall', 2, 2],
  ['extract', 2, 3],
  ['follow', 2, 4],
  ['logic', 2, 8],
  ['tools', 2, 3],
  ['trace', 2, 20],
]
/**
 * Weight of the steps towards recall; 45 and --pairs were tried for an hour on one busy core without getting above
 * chance.
 */
const EASY_RECALL = 4
const TOTAL = MIX.reduce((sum, [, , weight]) => sum + weight, 0)

let state = 2_463_534_242
function random(n: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}

function shuffled<T>(list: readonly T[]): T[] {
  const copy = [...list]
  for (let at = copy.length - 1; at > 0; at -= 1) {
    const other = random(at + 1)
    ;[copy[at], copy[other]] = [copy[other]!, copy[at]!]
  }
  return copy
}

function someCodes(count: number): { colour: string; code: string }[] {
  return shuffled(lists.colours)
    .slice(0, count)
    .map((colour) => ({ colour, code: `${lists.letters[random(24)]}${random(10)}` }))
}
const stated = (codes: { colour: string; code: string }[]): string =>
  codes.map(({ colour, code }) => `${colour} is ${code}`).join(', ')

/**
 * Steps towards recall. Looking a code up takes two hops (find the colour asked for, then what stood behind it before),
 * too sparse a signal to be learnt from single answers: two in three rows list the codes again in another order, which
 * teaches the second hop densely.
 */
function easyRecall(): [string, string] {
  const codes = someCodes(1 + random(8))
  const asked = codes[random(codes.length)]!
  if (random(3) === 0)
    return [`Codes: ${stated(codes)}. What is the code for ${asked.colour}? Answer with the code only.`, asked.code]
  const again = shuffled(codes)
  return random(2) === 0
    ? [`Codes: ${stated(codes)}. List them in another order.`, stated(again)]
    : [
        `Codes: ${stated(codes)}. What is the code for ${asked.colour}? Answer in a sentence.`,
        `${asked.colour} is ${asked.code}`,
      ]
}

const out: string[] = []
const flush = (): void => {
  if (out.length > 0) process.stdout.write(`${out.splice(0).join('\n')}\n`)
}
const [first = '300000', ...rest] = process.argv.slice(2)
if (first === '--eval') {
  const [perFamily = '100', seed = 'eval-a'] = rest
  for (const level of [1, 2] as const)
    for (const family of FAMILIES)
      for (let at = 0; at < Number(perFamily); at += 1) out.push(JSON.stringify(examItem(seed, family, level, at)))
  flush()
} else {
  for (let row = 0; row < Number(first); row += 1) {
    let at = random(TOTAL + EASY_RECALL)
    if (at >= TOTAL) out.push(JSON.stringify(easyRecall()))
    else {
      const [family, level] = MIX.find(([, , weight]) => (at -= weight) < 0)!
      const item = examItem(`train-${row % 997}`, family, level, row)
      out.push(JSON.stringify([item.prompt, item.answer]))
    }
    if (out.length >= 10_000) flush()
  }
  flush()
}
