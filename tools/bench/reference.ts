/**
 * `npm run bench:reference`: a llama-server of the very llama.cpp release that node-llama-cpp is pinned to, from the
 * git bundle inside its npm package; no network. Built outside the repository; a build that was interrupted goes on
 * where it stopped. About 16 minutes on 2 cores. `--print` only says what there is.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'

import { REFERENCE_FLAGS, findReference, referencePaths } from './reference-path.ts'

const PACKAGE = resolve(import.meta.dirname, '../../node_modules/node-llama-cpp')
const BUNDLE = join(PACKAGE, 'llama/gitRelease.bundle')

const answers = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

/** What this machine lacks for the build, one line each. */
function missing(): string[] {
  const compilers = ['c++', 'g++', 'clang++', 'cl']
  return [
    ...(existsSync(BUNDLE) ? [] : [`${BUNDLE} is not there: run npm install first`]),
    ...(answers('git') ? [] : ['git is not installed']),
    ...(answers('cmake') ? [] : ['cmake is not installed (3.14 or later)']),
    ...(answers('ninja') || answers('make') || process.platform === 'win32'
      ? []
      : ['neither ninja nor make is installed']),
    ...(process.env['CXX'] !== undefined || compilers.some(answers)
      ? []
      : [`no C++ compiler was found (looked for ${compilers.join(', ')}; CXX names another)`]),
  ]
}

function run(program: string, args: readonly string[]): void {
  console.log(`$ ${program} ${args.join(' ')}`)
  const { status, signal } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0)
    throw new Error(`${program} ended with ${status ?? signal}. What is built stays; run the command again to go on.`)
}

function build(): void {
  const { root, source, build } = referencePaths()
  mkdirSync(root, { recursive: true })
  if (!existsSync(join(source, 'CMakeLists.txt'))) run('git', ['clone', '--quiet', BUNDLE, source])
  // Each time: a configuration that was interrupted leaves its cache behind. The generator is chosen once.
  const generator = !existsSync(join(build, 'CMakeCache.txt')) && answers('ninja') ? ['-G', 'Ninja'] : []
  run('cmake', ['-B', build, '-S', source, ...generator, ...REFERENCE_FLAGS, ...extraFlags()])
  run('cmake', [
    '--build',
    build,
    '--config',
    'Release',
    '--target',
    'llama-server',
    'llama-bench',
    '-j',
    String(availableParallelism()),
  ])
}

/** For a GPU: STOKER_REFERENCE_FLAGS="-DGGML_CUDA=ON", with a STOKER_REFERENCE_DIR of its own. */
const extraFlags = (): string[] =>
  (process.env['STOKER_REFERENCE_FLAGS'] ?? '').split(/\s+/).filter((flag) => flag !== '')

function print(): boolean {
  const reference = findReference()
  if (reference === null) return false
  const pinned = (JSON.parse(readFileSync(join(PACKAGE, 'llama/llama.cpp.info.json'), 'utf8')) as { tag: string }).tag
  const { source } = referencePaths()
  const commit = spawnSync('git', ['-C', source, 'rev-parse', 'HEAD'], { encoding: 'utf8' })
  console.log(`llama-server: ${reference.path}`)
  console.log(`says: ${reference.version}`)
  if (reference.flags.length > 0)
    console.log(
      `flags: ${reference.flags.join(' ')}${reference.openMp === null ? '' : ` (OpenMP ${reference.openMp ? 'on' : 'off'})`}`,
    )
  if (reference.flags.length > 0 && commit.status === 0)
    console.log(`commit: ${commit.stdout.trim()}; node-llama-cpp is pinned to ${pinned}`)
  return true
}

function main(): void {
  if (print()) return
  if (process.argv.includes('--print')) {
    console.error(
      'There is no reference server yet: run npm run bench:reference, or name one with STOKER_LLAMA_SERVER.',
    )
    process.exitCode = 1
    return
  }
  const lacks = missing()
  if (lacks.length > 0) {
    console.error(
      `llama-server cannot be built here:\n${lacks.map((line) => `- ${line}`).join('\n')}\nA server built elsewhere is taken from STOKER_LLAMA_SERVER.`,
    )
    process.exitCode = 1
    return
  }
  build()
  if (!print()) throw new Error('The build ended without a llama-server.')
}

try {
  main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
