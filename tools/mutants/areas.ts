/** What is mutated, and the tests that must notice. The only place of this folder that knows paths of the tree. */
import { globSync } from 'node:fs'

export interface Row {
  /** Rows of one area are counted together. */
  area: string
  /** Patterns of source files, from the root of the tree. */
  files: readonly string[]
  /**
   * Patterns of test files. They must run the sources in their own process: children that are forked run them
   * unmutated.
   */
  tests: readonly string[]
}

export const ROWS: readonly Row[] = [
  { area: 'books', files: ['src-main/books/*.ts'], tests: ['test/books/*.test.ts'] },
  {
    area: 'settlement',
    files: ['src-main/core/jobs/{settlement,settlement.store,differences}.ts'],
    tests: [
      'test/core/jobs/{settlement,settlement.store,disputes,refusals,chain,sync,earlier-ledger,money.property}.test.ts',
    ],
  },
  {
    area: 'settlement',
    files: ['src-main/exchange-server/settle/*.ts'],
    tests: ['test/exchange-server/settle/*.test.ts', 'test/exchange-server/{sync,who-pays,books.property}.test.ts'],
  },
  { area: 'exam', files: ['src-main/exam/verdict.ts'], tests: ['test/exam/verdict.test.ts'] },
  { area: 'exam', files: ['src-main/exam/check-answer.ts'], tests: ['test/exam/check-answer.test.ts'] },
  {
    area: 'exam',
    files: ['src-main/exam/{tally,judge-call,exam-plan}.ts'],
    tests: ['test/exam/{tally,judge-call,exam-plan,exam-session}.test.ts'],
  },
  {
    area: 'scheduler',
    files: [
      'src-main/engine/host/scheduler/{job-order,step-plan,prefill-budget,slots}.ts',
      'src-main/engine/host/processor/lower-priority.ts',
    ],
    tests: [
      'test/engine/host/scheduler/{step-plan,job-order,prefill-budget,slots,speed-meter,prefill-cost}*.test.ts',
      'test/engine/host/scheduler/scheduler*.test.ts',
      'test/engine/host/processor/lower-priority.test.ts',
    ],
  },
  { area: 'admission', files: ['src-main/core/jobs/admission.ts'], tests: ['test/core/jobs/admission.test.ts'] },
  {
    area: 'admission',
    files: ['src-main/core/listings/{offered-slots,capacity}.ts'],
    tests: ['test/core/listings/{capacity,offered-slots,drain,listings}.test.ts'],
  },
]

export interface MutationScope {
  /** Source file → its area and tests; paths from the root, sorted. */
  files: Map<string, { area: string; tests: string[] }>
  tests: string[]
}

/**
 * Looks the rows up in the tree. Error: a pattern that matches no file, a file in two rows, an area that is in no row.
 */
export function scopeOf(root: string, rows: readonly Row[], area: string | null): MutationScope {
  const areas = [...new Set(rows.map((row) => row.area))]
  if (area !== null && !areas.includes(area))
    throw new Error(`there is no area ${area}; there are: ${areas.join(', ')}`)
  const lookUp = (pattern: string): string[] => {
    const found = globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'))
    if (found.length === 0) throw new Error(`${pattern} matches no file: correct the table of the mutation runner`)
    return found
  }
  const files: MutationScope['files'] = new Map()
  const tests = new Set<string>()
  for (const row of rows) {
    const ofRow = [...new Set(row.tests.flatMap(lookUp))].toSorted()
    for (const file of row.files.flatMap(lookUp).toSorted()) {
      if (files.has(file)) throw new Error(`${file} is in two rows of the table of the mutation runner`)
      files.set(file, { area: row.area, tests: ofRow })
    }
  }
  // All rows are looked up, so that a wrong one is found whichever area is asked for.
  const wanted = new Map([...files].filter(([, of]) => area === null || of.area === area))
  for (const of of wanted.values()) for (const test of of.tests) tests.add(test)
  return { files: wanted, tests: [...tests].toSorted() }
}
