/**
 * Adds the optional packages of other platforms that npm left out of package-lock.json, so that `npm ci` passes with
 * npm 11 and 12 and a Mac or a Windows machine gets its binaries. npm leaves them out when the registry it asked does
 * not carry them; the entries then have no integrity hash. Usage, after any change of dependencies: node
 * tools/complete-lock.ts
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  version?: string
  optionalDependencies?: Record<string, string>
  os?: string[]
  cpu?: string[]
  libc?: string[]
  license?: string
  engines?: Record<string, string>
  optional?: true
  dev?: true
}
interface Lock {
  packages: Record<string, Entry>
}

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
    ? ((ask(`${name}@${newest}`, 'os', 'cpu', 'libc', 'engines', 'license') as Entry | null) ?? {})
    : {}
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
const asList = (value: string[] | string | undefined): string[] | undefined =>
  value === undefined || Array.isArray(value) ? value : [value]
let added = 0
for (const [at, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (
      at === '' ||
      lock.packages[`node_modules/${name}`] !== undefined ||
      lock.packages[`${at}/node_modules/${name}`] !== undefined
    )
      continue
    const { os, cpu, libc, license = 'MIT', engines } = published(name)
    const platform = { cpu: asList(cpu), libc: asList(libc), os: asList(os) }
    lock.packages[`node_modules/${name}`] = JSON.parse(
      JSON.stringify({ version, ...platform, dev: parent.dev, license, optional: true, engines }),
    ) as Entry
    added += 1
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages of other platforms added`)
