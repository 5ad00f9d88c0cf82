/**
 * `npm run bench:serve`: Stoker's endpoint and llama-server side by side; docs/benchmarks.md says how. Results go to
 * bench-results/.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'

import { findReference, type Reference } from '../reference-path.ts'
import { ensureShape } from '../shapes.ts'
import { verdicts } from './bars.ts'
import { runCell, type CellContext, type CellResult } from './cell-run.ts'
import { SHAPES, cellsOf, type Cell, type ShapeSpec } from './cells.ts'
import { startClient } from './client-process.ts'
import { chooseSettings, createFleet } from './fleet.ts'
import { USAGE, parseOptions, type ServeOptions } from './bench-options.ts'
import { cpuModel, QUIET_SHARE } from './proc.ts'
import { measureTokensPerWord, promptMaker } from './bench-prompts.ts'
import { openResultStore, type ResultStore } from './result-store.ts'
import { report, withReport, type MachineLine } from './result-table.ts'

import type { SideOptions } from './side.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const RESULTS = join(ROOT, 'bench-results')
const DOCUMENT = join(ROOT, 'docs/benchmarks.md')

/** The commit, and a digest of what was changed since in what is measured. */
function commitOf(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 })
  const changed = git('diff', 'HEAD', '--', 'src-main/engine', 'src-main/endpoint', 'tools/bench')
  return (
    git('rev-parse', '--short=10', 'HEAD').trim() +
    (changed === '' ? '' : `+${createHash('sha256').update(changed).digest('hex').slice(0, 6)}`)
  )
}

const fileOf = (shape: ShapeSpec): string =>
  shape.file === null ? join(ROOT, 'resources/models/nano.gguf') : ensureShape(shape.file)

interface Bench {
  options: ServeOptions
  reference: Reference
  store: ResultStore
  /** Milliseconds since the epoch; nothing is begun after it. */
  until: number
}

async function runShape(
  shape: ShapeSpec,
  cells: readonly Cell[],
  { options, reference, store, until }: Bench,
): Promise<CellResult[]> {
  const side: SideOptions = {
    file: fileOf(shape),
    slots: shape.slots,
    contextTokens: shape.contextTokens,
    gpu: options.gpu,
  }
  const basis = { side, llama: reference.version, cores: availableParallelism() }
  const choice = (): ReturnType<typeof chooseSettings> =>
    store.once(`settings: ${shape.name}`, { basis, given: options.stoker }, () => chooseSettings(side, options.stoker))
  const results: CellResult[] = []
  const wanted = cells.map((cell) => ({
    cell,
    decidedBy: { cell, basis, rounds: options.rounds, stoker: options.stoker },
  }))
  if (wanted.some(({ cell, decidedBy }) => !store.has(cell.id, decidedBy)))
    console.log(`${shape.name}: Stoker's settings ${JSON.stringify((await choice()).settings)}`)
  const fleet = createFleet({ side, llamaPath: reference.path, choice })
  const client = startClient()
  try {
    const context = async (): Promise<CellContext> => {
      const tokensPerWord = await store.once(`words: ${shape.name}`, { basis }, async () =>
        measureTokensPerWord((await fleet.llama(1)).url),
      )
      return {
        client,
        fleet,
        make: promptMaker(tokensPerWord),
        store,
        basis,
        rounds: options.rounds,
        say: (line) => console.log(line),
      }
    }
    for (const { cell, decidedBy } of wanted) {
      if (!store.has(cell.id, decidedBy)) {
        if (Date.now() > until) {
          console.log(`${cell.id}: not run, the time is up`)
          continue
        }
        console.log(cell.id)
      }
      const result = await store.once(cell.id, decidedBy, async () => runCell(cell, await context()))
      const { busyShare, others } = result.quiet
      if (busyShare > QUIET_SHARE || others > QUIET_SHARE)
        console.log(
          `  not quiet: others took ${Math.round(busyShare * 100)} % of the machine before this cell, ${Math.round(others * 100)} % while it ran`,
        )
      for (const { what, value, bar, met } of verdicts(result, availableParallelism()))
        console.log(`  ${met ? 'pass' : 'MISS'}: ${what} ${value.toFixed(2)} (${bar})`)
      results.push(result)
    }
  } finally {
    client.stop()
    await fleet.stop()
  }
  return results
}

async function main(options: ServeOptions): Promise<void> {
  if (process.platform !== 'linux') throw new Error('npm run bench:serve reads /proc and so runs on Linux only.')
  const reference = findReference()
  if (reference === null)
    throw new Error(
      'There is no llama-server to measure against: run npm run bench:reference, or name one with STOKER_LLAMA_SERVER.',
    )
  const commit = commitOf()
  const machine: MachineLine = {
    cpu: cpuModel(),
    cores: availableParallelism(),
    node: process.versions.node,
    commit,
    reference: reference.version,
    gpu: options.gpu,
  }
  console.log(
    `Stoker ${commit}, ${machine.cores} × ${machine.cpu}, Node ${machine.node}\nllama-server ${reference.path}: ${reference.version} ${reference.flags.join(' ')}`,
  )
  const name = `serve-${commit}${options.gpu ? '-gpu' : ''}`
  const store = openResultStore(join(RESULTS, `${name}.json`), options)
  const until = options.minutes === 0 ? Infinity : Date.now() + options.minutes * 60_000
  const cells = cellsOf(options)
  const results: CellResult[] = []
  for (const shape of SHAPES) {
    const own = cells.filter((cell) => cell.shape === shape.name)
    if (own.length > 0) results.push(...(await runShape(shape, own, { options, reference, store, until })))
  }
  if (results.length === 0) throw new Error('No cell has such a name.')
  const text = report(results, machine)
  writeFileSync(join(RESULTS, `${name}.md`), `${text}\n`)
  writeFileSync(join(RESULTS, 'serve.json'), `${JSON.stringify({ machine, results }, null, 1)}\n`)
  if (options.writeDocs) writeFileSync(DOCUMENT, withReport(readFileSync(DOCUMENT, 'utf8'), text))
  console.log(`\n${text}`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function readOptions(): ServeOptions | null {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`)
    return null
  }
}

const options = readOptions()
if (options === null) process.exitCode = 2
else
  try {
    await main(options)
  } catch (error) {
    console.error(messageOf(error))
    process.exitCode = 1
  }
