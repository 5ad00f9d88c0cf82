/** Options of `npm run test:mutants`, and the choice of mutants by them. */
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'

import { nameOf, type Mutant } from './find.ts'

const LANES_MAX = 4

const USAGE = `Usage: npm run test:mutants -- [options]
  --area NAME     only this area
  --file TEXT     only files whose path contains it
  --sample N      only N mutants, chosen by the seed; the score is not judged
  --seed S        for --sample (default: 1)
  --again         only those that survived in the last run (test-results/mutants.json)
  --lanes N       test processes at once (default: one a core, at most ${LANES_MAX})
  --list          lists the mutants and runs nothing`

export interface Options {
  area: string | null
  file: string
  sample: number | null
  seed: string
  again: boolean
  lanes: number
  list: boolean
}

function count(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} needs a whole number from 1, not ${text}\n${USAGE}`)
  return value
}

/** Errors: an unknown option, a number that is none. `cores`: of this machine. */
export function parseOptions(args: string[], cores: number): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args,
    options: { area: text, file: text, sample: text, seed: text, lanes: text, again: flag, list: flag },
  })
  return {
    area: values.area ?? null,
    file: values.file ?? '',
    sample: values.sample === undefined ? null : count(values.sample, '--sample'),
    seed: values.seed ?? '1',
    again: values.again,
    lanes: values.lanes === undefined ? Math.min(LANES_MAX, cores) : count(values.lanes, '--lanes'),
    list: values.list,
  }
}

/** So many of the mutants, in their order; the same seed draws the same ones. */
export function drawn(mutants: readonly Mutant[], size: number, seed: string): Mutant[] {
  const lot = (mutant: Mutant): string =>
    createHash('sha256')
      .update(`${seed} ${nameOf(mutant)}`)
      .digest('hex')
  const chosen = new Set(mutants.toSorted((a, b) => (lot(a) < lot(b) ? -1 : 1)).slice(0, size))
  return mutants.filter((mutant) => chosen.has(mutant))
}
