/** Runs every mutant of a scope against the tests that reach it. The sources on disk are only read. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { MutationScope } from './areas.ts'
import { findMutants, type Mutant } from './find.ts'
import { Lane, type Ran } from './lane.ts'

export type Fate = 'killed' | 'timed out' | 'survived' | 'not reached'
export interface Verdict extends Mutant {
  area: string
  fate: Fate
  /** The test that failed, or the file it is in; empty for survivors. */
  by: string
}
export interface RunOptions {
  root: string
  scope: MutationScope
  mutants: readonly Mutant[]
  lanes: number
  say: (line: string) => void
  /** Milliseconds that a test file with a mutant may take beyond four times what it takes without. */
  limitExtraMs?: number
}

/** A mutant has so many times what its test file takes without one, and some seconds for a busy machine. */
const LIMIT_TIMES = 4
const LIMIT_EXTRA_DEFAULT_MS = 10_000
const BASE_LIMIT_MS = 300_000
const SAY_EVERY = 50
/** On Linux, a folder in memory: most of a ledger test's time is waiting for the disk. */
const MEMORY = '/dev/shm'

interface Base {
  /** Milliseconds a test file takes. */
  ms: Map<string, number>
  /** Test file → `file:n` of the mutants it reaches. */
  reached: Map<string, Set<string>>
}

/** All mutants of the scope's files, file by file. */
export const mutantsOf = (root: string, scope: MutationScope): Mutant[] =>
  [...scope.files.keys()].flatMap((file) => findMutants(file, readFileSync(join(root, file), 'utf8')).mutants)

/** Hands the items to the lanes, each to the next lane that is free. */
async function share<T>(
  lanes: readonly Lane[],
  items: readonly T[],
  work: (lane: Lane, item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  await Promise.all(
    lanes.map(async (lane) => {
      for (const item of queue) await work(lane, item)
    }),
  )
}

/** Every test file once without a mutant. Error: one fails, so nothing it says of mutants would count. */
async function runBase(lanes: readonly Lane[], tests: readonly string[], folder: string): Promise<Base> {
  const base: Base = { ms: new Map(), reached: new Map() }
  await share(lanes, tests, async (lane, test) => {
    const hits = join(folder, `${tests.indexOf(test)}.json`)
    const ran = await lane.run({ test, active: null, hits }, BASE_LIMIT_MS)
    if (!ran.ended || !ran.passed)
      throw new Error(
        `${test} fails without any mutant: ${ran.ended ? ran.failed : `it takes more than ${BASE_LIMIT_MS / 1_000} s`}`,
      )
    base.ms.set(test, ran.ms)
    const reached = JSON.parse(readFileSync(hits, 'utf8')) as [string, number[]][]
    base.reached.set(test, new Set(reached.flatMap(([file, numbers]) => numbers.map((n) => `${file}:${n}`))))
  })
  return base
}

/**
 * Runs a test file with a mutant. A busy machine looks like an endless loop, so a time-out counts only when it comes
 * again by what the file takes now.
 */
async function runWith(lane: Lane, test: string, { file, n }: Mutant, ms: number, extraMs: number): Promise<Ran> {
  const request = { test, active: { file, n }, hits: null }
  const ran = await lane.run(request, extraMs + LIMIT_TIMES * ms)
  if (ran.ended) return ran
  const now = await lane.run({ ...request, active: null }, BASE_LIMIT_MS)
  if (!now.ended || !now.passed)
    throw new Error(`${test} failed without any mutant on a second run: its result depends on more than the code`)
  return lane.run(request, extraMs + LIMIT_TIMES * Math.max(ms, now.ms))
}

async function judge(
  lane: Lane,
  mutant: Mutant,
  tests: readonly string[],
  base: Base,
  extraMs: number,
): Promise<{ fate: Fate; by: string }> {
  const reaching = tests.filter((test) => base.reached.get(test)?.has(`${mutant.file}:${mutant.n}`))
  if (reaching.length === 0) return { fate: 'not reached', by: '' }
  const ms = (test: string): number => base.ms.get(test) ?? 0
  // The quick ones first: most mutants die early.
  for (const test of reaching.toSorted((a, b) => ms(a) - ms(b))) {
    const ran = await runWith(lane, test, mutant, ms(test), extraMs)
    if (!ran.ended) return { fate: 'timed out', by: test }
    if (!ran.passed) return { fate: 'killed', by: ran.failed === '' ? test : `${test} › ${ran.failed}` }
  }
  return { fate: 'survived', by: '' }
}

/** Runs the mutants; verdicts come in their order. Error: a test fails without any mutant. */
export async function runMutants({
  root,
  scope,
  mutants,
  lanes: count,
  say,
  limitExtraMs = LIMIT_EXTRA_DEFAULT_MS,
}: RunOptions): Promise<Verdict[]> {
  const temp = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'stoker-mutants-'))
  const lanes = Array.from(
    { length: count },
    () => new Lane({ root, files: [...scope.files.keys()], tests: scope.tests, temp }),
  )
  // Killed test processes leave their files behind.
  const stop = (): void => {
    for (const lane of lanes) lane.stop()
    rmSync(temp, { recursive: true, force: true, maxRetries: 5 })
  }
  process.on('exit', stop)
  try {
    say(`${scope.tests.length} test files without a mutant …`)
    const base = await runBase(lanes, scope.tests, temp)
    say(`${mutants.length} mutants …`)
    const verdicts: Verdict[] = []
    let done = 0
    await share(lanes, [...mutants.entries()], async (lane, [index, mutant]) => {
      const { area, tests } = scope.files.get(mutant.file)!
      verdicts[index] = { ...mutant, area, ...(await judge(lane, mutant, tests, base, limitExtraMs)) }
      done += 1
      if (done % SAY_EVERY === 0) say(`${done} of ${mutants.length}`)
    })
    return verdicts
  } finally {
    process.off('exit', stop)
    stop()
  }
}
