/**
 * Makes package-lock.json what a fresh machine needs, after any change of dependencies: `npx node
 * tools/complete-lock.ts`. docs/decisions/0012 has the reasons.
 * - Optional packages of other platforms that npm left out are added, so that `npm ci` passes with npm 11 and 12 and a
 * Mac or a Windows machine gets its
 *   binaries. npm leaves them out when the registry it asked does not carry them; the entries then have no integrity hash.
 * - No package runs a script: `hasInstallScript` goes, and `gypfile: false` keeps npm before 11.10 from compiling what
 * comes with binaries.
 * - The `engines.node` of packages goes: npm compares it with the Node it runs on itself, but the packages run on the
 * one that this project brings.
 * - The packages of that Node are marked as builds for glibc, which their authors forgot, and lose their command
 * (tools/own-node.js links it).
 * - Builds of llama.cpp for other processors, which list this one for cross-compiling, are not installed beside it.
 * - The CUDA builds of llama.cpp, 565 MB, move with their hashes to resources/engine/cuda.json; those without a known
 * hash stay.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const LOCK = 'package-lock.json'
const CUDA = 'resources/engine/cuda.json'
const OWN_NODE = /^node_modules\/node-(bin-)?(darwin|linux|win)-/
const LLAMA_BUILD = /^node_modules\/@node-llama-cpp\/\w+-(arm64|x64|armv7l|riscv64)\b/

interface Entry {
  version?: string
  integrity?: string
  optionalDependencies?: Record<string, string>
  os?: string[] | string
  cpu?: string[] | string
  libc?: string[] | string
  license?: string
  bin?: Record<string, string>
  engines?: Record<string, string>
  hasInstallScript?: true
  gypfile?: false
  optional?: true
  dev?: true
}
type Packages = Record<string, Entry>

/** npm's facts about the newest version the registry has: its platform is what counts. */
function published(name: string): Entry {
  const ask = (...args: string[]): unknown =>
    JSON.parse(
      execFileSync('npm', ['view', ...args, '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) ||
        'null',
    )
  const versions = ask(name, 'versions')
  const newest: unknown = Array.isArray(versions) ? versions.at(-1) : versions
  return typeof newest === 'string'
    ? ((ask(`${name}@${newest}`, 'os', 'cpu', 'libc', 'bin', 'license') as Entry | null) ?? {})
    : {}
}

/** Adds the optional packages that npm left out; returns how many. */
function addOtherPlatforms(packages: Packages): number {
  let added = 0
  for (const [at, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      if (packages[`node_modules/${name}`] !== undefined || packages[`${at}/node_modules/${name}`] !== undefined)
        continue
      const { os, cpu, libc, bin, license = 'MIT' } = published(name)
      packages[`node_modules/${name}`] = JSON.parse(
        JSON.stringify({ version, cpu, dev: parent.dev, libc, license, optional: true, os, bin }),
      ) as Entry
      added += 1
    }
  }
  return added
}

function correct(at: string, entry: Entry): void {
  delete entry.engines?.['node']
  if (Object.keys(entry.engines ?? {}).length === 0) delete entry.engines
  if (entry.hasInstallScript === true || existsSync(`${at}/binding.gyp`)) entry.gypfile = false
  delete entry.hasInstallScript
  if (OWN_NODE.test(at)) {
    delete entry.bin
    if (at.includes('-linux-')) entry.libc = ['glibc']
    // As npm orders them, so that its next change of the file shows nothing else.
    for (const field of ['license', 'optional', 'os'] as const) {
      const value = entry[field]
      delete entry[field]
      if (value !== undefined) Object.assign(entry, { [field]: value })
    }
  }
  for (const field of ['os', 'cpu', 'libc'] as const)
    if (typeof entry[field] === 'string') entry[field] = [entry[field]]
  const arch = LLAMA_BUILD.exec(at)?.[1]
  if (arch !== undefined) entry.cpu = [arch === 'armv7l' ? 'arm' : arch]
}

/** Moves the CUDA builds out of the lock file; returns how many. */
function moveCuda(packages: Packages): number {
  const llama = packages['node_modules/node-llama-cpp']
  const names = Object.keys(llama?.optionalDependencies ?? {}).filter(
    (name) => /-cuda(-ext)?$/.test(name) && packages[`node_modules/${name}`]?.integrity !== undefined,
  )
  if (names.length === 0) return 0
  const moved = names.map((name) => ({ name, integrity: packages[`node_modules/${name}`]!.integrity }))
  writeFileSync(CUDA, `${JSON.stringify({ version: llama!.version, packages: moved }, null, 2)}\n`)
  for (const name of names) {
    delete llama!.optionalDependencies![name]
    delete packages[`node_modules/${name}`]
  }
  return names.length
}

if (!existsSync('node_modules'))
  throw new Error('Run npm install first: which packages npm would compile is seen in node_modules.')
const lock = JSON.parse(readFileSync(LOCK, 'utf8')) as { packages: Packages }
const added = addOtherPlatforms(lock.packages)
delete lock.packages['']?.hasInstallScript
for (const [at, entry] of Object.entries(lock.packages)) if (at !== '') correct(at, entry)
const moved = moveCuda(lock.packages)
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages of other platforms added, ${moved} CUDA builds moved to ${CUDA}`)
