/** `npm run test:mutants`: does a test notice when the code is wrong? docs/testing.md says how to read it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import { ROWS, scopeOf } from './areas.ts'
import { nameOf, type Mutant } from './find.ts'
import { drawn, parseOptions, type Options } from './mutant-options.ts'
import { countAreas, describeMutant, faultsOf, isSurvivor, tableOf } from './report.ts'
import { mutantsOf, runMutants, type Verdict } from './run-mutants.ts'
import { readSurvivors, reasonsOf, staleOf } from './survivors.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const RESULTS = join(ROOT, 'test-results/mutants.json')
const SURVIVORS = join(ROOT, 'test/mutants/survivors.json')
function chosen(all: readonly Mutant[], { file, sample, seed, again }: Options): Mutant[] {
  let mutants = all.filter((mutant) => mutant.file.includes(file))
  if (again) {
    if (!existsSync(RESULTS)) throw new Error('--again needs the result of an earlier run, and there is none')
    const { verdicts } = JSON.parse(readFileSync(RESULTS, 'utf8')) as { verdicts: Verdict[] }
    const survivors = new Set(verdicts.filter(isSurvivor).map(nameOf))
    mutants = mutants.filter((mutant) => survivors.has(nameOf(mutant)))
  }
  return sample === null ? mutants : drawn(mutants, sample, seed)
}

async function main(options: Options): Promise<number> {
  const started = performance.now()
  const scope = scopeOf(ROOT, ROWS, options.area)
  const all = mutantsOf(ROOT, scope)
  const mutants = chosen(all, options)
  if (options.list) {
    for (const mutant of mutants) console.log(describeMutant(mutant))
    console.log(`${mutants.length} mutants`)
    return 0
  }
  const explained = readSurvivors(SURVIVORS)
  const reason = reasonsOf(explained)
  const stale = staleOf(explained, all, new Set(scope.files.keys()))
  const verdicts = await runMutants({
    root: ROOT,
    scope,
    mutants,
    lanes: options.lanes,
    say: (line) => console.log(line),
  })
  const counts = countAreas(verdicts)
  mkdirSync(dirname(RESULTS), { recursive: true })
  writeFileSync(
    RESULTS,
    `${JSON.stringify({ counts, verdicts: verdicts.map((one) => ({ ...one, reason: reason(one) })) }, null, 1)}\n`,
  )
  const survivors = verdicts.filter(isSurvivor)
  const unexplained = survivors.filter((one) => reason(one) === null)
  for (const one of survivors.filter((each) => reason(each) !== null))
    console.log(`survived, and may: ${describeMutant(one)}\n    ${reason(one)}`)
  for (const one of unexplained)
    console.log(`SURVIVED: ${describeMutant(one)}${one.fate === 'not reached' ? ' (no test reaches it)' : ''}`)
  for (const one of verdicts)
    if (!isSurvivor(one) && reason(one) !== null) console.log(`killed, though explained: ${describeMutant(one)}`)
  for (const { file, within, code } of stale)
    console.log(`explained, but there is no such mutant: ${file} in ${within}: ${code}`)
  console.log(
    `\n${tableOf(counts)}\n\n${Math.round((performance.now() - started) / 1_000)} s; every verdict is in test-results/mutants.json`,
  )
  const whole = options.sample === null && options.file === '' && !options.again
  const faults = faultsOf(counts, unexplained.length, stale.length, whole)
  for (const fault of faults) console.error(fault)
  return faults.length === 0 ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  process.exitCode = await main(parseOptions(process.argv.slice(2), availableParallelism()))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
