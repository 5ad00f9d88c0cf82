/**
 * Writes training rows for the nano model: one JSON array [prompt, answer] a line, exam items plus easier steps towards the two
 * families it finds hardest (recall with fewer codes). Seeds start with `train-`, apart from every test's and every exam's.
 * Usage: node training/generate.ts COUNT > data.jsonl     node training/generate.ts --eval PER_FAMILY SEED > items.jsonl
 */
import lists from '../resources/exam/lists.json' with { type: 'json' }
import { examItem, FAMILIES, type Family, type Level } from '../src-main/exam/generate.ts'

/** Weights by what an earlier model got wrong: recall and logic most, sorting little (it stays at 0 % at this size). */
const MIX: readonly [Family, Level, number][] = [
  ['arith', 1, 6], ['order', 1, 6], ['recall', 1, 22], ['extract', 1, 4], ['follow', 1, 5], ['logic', 1, 9], ['tools', 1, 4], ['trace', 1, 6],
  ['arith', 2, 8], ['order', 2, 3], ['recall', 2, 8], ['extract', 2, 3], ['follow', 2, 4], ['logic', 2, 6], ['tools', 2, 4], ['trace', 2, 6],
]
const TOTAL = MIX.reduce((sum, [, , weight]) => sum + weight, 0)

let state = 2_463_534_242
function random(n: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}

/** Recall with one to three codes, in the wording of the exam. */
function easyRecall(): [string, string] {
  const colours = [...lists.colours].sort(() => random(2) - 0.5).slice(0, 1 + random(3))
  const codes = colours.map(() => `${lists.letters[random(24)]}${random(10)}`)
  const asked = random(colours.length)
  const stated = colours.map((colour, at) => `${colour} is ${codes[at]}`).join(', ')
  return [`Codes: ${stated}. What is the code for ${colours[asked]}? Answer with the code only.`, codes[asked]!]
}

const out: string[] = []
const flush = (): void => { if (out.length > 0) process.stdout.write(`${out.splice(0).join('\n')}\n`) }
const [first = '300000', ...rest] = process.argv.slice(2)
if (first === '--eval') {
  const [perFamily = '100', seed = 'eval-a'] = rest
  for (const level of [1, 2] as const)
    for (const family of FAMILIES)
      for (let at = 0; at < Number(perFamily); at += 1) out.push(JSON.stringify(examItem(seed, family, level, at)))
  flush()
} else {
  for (let row = 0; row < Number(first); row += 1) {
    let at = random(TOTAL + 10)
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
