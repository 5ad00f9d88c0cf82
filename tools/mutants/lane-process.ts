/**
 * One process with a warm vitest, which answers its parent: runs a test file, with a mutant or without. Forked by
 * lane.ts.
 */
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

import type { Plugin } from 'vite'
import { createVitest, type Vitest } from 'vitest/node'

import { instrument } from './instrument.ts'
import type { ForTests } from './provided.ts'

export interface LaneStart {
  root: string
  /** Source files to mutate, from the root. */
  files: readonly string[]
  /** Test files that will be asked for, from the root. */
  tests: readonly string[]
  /** Where tests put their temporary files. */
  temp: string
}
export interface RunRequest extends ForTests {
  test: string
}
export type LaneMessage = { t: 'ready' } | { t: 'ran'; passed: boolean; failed: string; ms: number }

const SETUP = join(import.meta.dirname, 'vitest-setup.ts')
/** A mutant that fills the memory dies by this. */
const HEAP_MB = 1_024
/** Never reached: the parent's own limit is shorter, and ends what a test's limit cannot. */
const TEST_TIMEOUT_MS = 600_000

function mutantsPlugin(root: string, files: readonly string[]): Plugin {
  const mutated = new Set(files)
  return {
    name: 'stoker-mutants',
    enforce: 'pre',
    load(id) {
      const path = relative(root, id.split('?')[0] ?? id).replaceAll(sep, '/')
      return mutated.has(path) ? instrument(path, readFileSync(join(root, path), 'utf8')) : null
    },
  }
}

const start = ({ root, files, tests }: LaneStart): Promise<Vitest> =>
  createVitest(
    {
      root,
      config: false,
      watch: false,
      // It knows a module by its text on disk, and would serve one of another run, without mutants or with others.
      fsModuleCache: false,
      include: [...tests],
      setupFiles: [SETUP],
      pool: 'forks',
      maxWorkers: 1,
      isolate: true,
      bail: 1,
      silent: true,
      reporters: [{}],
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      testTimeout: TEST_TIMEOUT_MS,
      hookTimeout: TEST_TIMEOUT_MS,
    },
    { plugins: [mutantsPlugin(root, files)], server: { watch: null } },
  )

async function run(vitest: Vitest, root: string, { test, active, hits }: RunRequest): Promise<LaneMessage> {
  const started = performance.now()
  const project = vitest.getRootProject()
  project.provide('mutants', { active, hits })
  // vitest answers with every file it knows of; an earlier result must never be taken for this one's.
  vitest.state.filesMap.clear()
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([
    project.createSpecification(join(root, test)),
  ])
  const passed =
    testModules.length === 1 &&
    testModules.every((module) => module.state() === 'passed') &&
    unhandledErrors.length === 0
  let failed = ''
  for (const module of testModules)
    for (const each of module.children.allTests('failed')) {
      failed = each.fullName
      break
    }
  return { t: 'ran', passed, failed, ms: performance.now() - started }
}

const send = (message: LaneMessage): void => void process.send?.(message)
let vitest: Promise<Vitest> | null = null
let root = ''
process.on('message', (message: LaneStart | RunRequest) => {
  if ('root' in message) {
    root = message.root
    vitest = start(message)
    void vitest.then(() => send({ t: 'ready' }))
  } else void vitest?.then((one) => run(one, root, message)).then(send)
})
process.on('disconnect', () => process.exit())
