/**
 * CUDA builds are fetched by a real npm from a registry of this test's own, with small packages of the real names. No
 * card and no real build is involved.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { fetchCuda } from '#cli/fetch-cuda.ts'
import { npmCommand } from '#cli/npm.ts'
import { CUDA_PACKAGES, CUDA_VERSION, cudaFolder, cudaInstalled, type CudaPackage } from '#engine/cuda.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const NPM_MS = 60_000

/** As node-llama-cpp's packages are laid out: an ES module that tells where its libraries lie. */
function pack(name: string): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'stoker-test-'))
  mkdirSync(join(dir, 'dist'))
  const exports = { '.': { import: './dist/index.js' } }
  writeFileSync(
    join(dir, 'package.json'),
    JSON.stringify({ name, version: CUDA_VERSION, type: 'module', exports, scripts: { install: 'touch ran' } }),
  )
  writeFileSync(join(dir, 'dist', 'index.js'), `export const getBinsDir = () => ${JSON.stringify(name)}\n`)
  const [command, before] = npmCommand(process.env)
  execFileSync(command, [...before, 'pack', '--silent'], { cwd: dir, stdio: 'ignore' })
  const archive = readFileSync(
    join(
      dir,
      readdirSync(dir).find((file) => file.endsWith('.tgz'))!,
    ),
  )
  rmSync(dir, { recursive: true })
  return archive
}

const archives = new Map<string, Buffer>()
const asked: string[] = []
let server: Server
let registry = ''
let packages: CudaPackage[] = []
const silent: Server[] = []

beforeAll(async () => {
  for (const { name } of CUDA_PACKAGES) archives.set(name, pack(name))
  packages = [...archives].map(([name, archive]) => ({
    name,
    integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
  }))
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    asked.push(path)
    const name =
      [...archives.keys()].find((each) => path.startsWith(`/${each}/-/`)) ??
      [...archives.keys()].find((each) => path === `/${each}`)
    if (name === undefined) return void response.writeHead(404).end()
    if (path.endsWith('.tgz')) return void response.end(archives.get(name))
    const version = { name, version: CUDA_VERSION, dist: { tarball: `${registry}/${name}/-/x.tgz` } }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name, 'dist-tags': { latest: CUDA_VERSION }, versions: { [CUDA_VERSION]: version } }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}, NPM_MS)

afterAll(() => {
  for (const each of [server, ...silent]) {
    each.closeAllConnections()
    each.close()
  }
})

/**
 * A cache of its own, so that no archive of another test is taken; the registry comes from the checkout's .npmrc, as an
 * owner may have set it.
 */
function checkout(at: string): { root: string; env: NodeJS.ProcessEnv; said: string[]; say: (line: string) => void } {
  const root = tempDir()
  const said: string[] = []
  writeFileSync(join(root, '.npmrc'), `registry=${at}/\n`)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)))
  return {
    root,
    env: { ...env, npm_config_cache: tempDir(), npm_config_userconfig: join(root, 'none') },
    said,
    say: (line) => void said.push(line),
  }
}

describe('fetching CUDA builds', () => {
  it(
    'installs exactly what the hashes say, runs no script of it, and the engine’s imports find it',
    { timeout: NPM_MS },
    async () => {
      const { root, env, say } = checkout(registry)
      expect(await fetchCuda({ root, env, say, packages })).toBeNull()
      const folder = cudaFolder(root)
      expect(cudaInstalled(folder)).toBe(true)
      expect(packages.map(({ name }) => existsSync(join(folder, 'node_modules', name, 'ran')))).toEqual(
        packages.map(() => false),
      )
      // In a process of its own: Vitest resolves imports by itself.
      const hook = pathToFileURL(resolve('src-main/engine/host/cuda-imports.ts')).href
      const script = `import { findCudaIn } from '${hook}'; findCudaIn(${JSON.stringify(folder)}); console.log((await import('${packages[0]!.name}')).getBinsDir())`
      expect(
        execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }).trim(),
      ).toBe(packages[0]!.name)
    },
  )

  it('asks nobody when they are there', { timeout: NPM_MS }, async () => {
    const { root, env, say } = checkout(registry)
    expect(await fetchCuda({ root, env, say, packages })).toBeNull()
    const before = asked.length
    expect(
      await fetchCuda({ root, env: { ...env, npm_execpath: '/nowhere/npm-cli.js', PATH: '' }, say, packages }),
    ).toBeNull()
    expect(asked.length).toBe(before)
  })

  it('leaves nothing behind of an archive with another hash', { timeout: NPM_MS }, async () => {
    const { root, env, say } = checkout(registry)
    const forged = packages.map(({ name }, index) => ({
      name,
      integrity:
        index === 0 ? packages[0]!.integrity : `sha512-${createHash('sha512').update('other').digest('base64')}`,
    }))
    expect(await fetchCuda({ root, env, say, packages: forged })).toMatch(/integrity/i)
    expect(readdirSync(join(root, '.stoker'))).toEqual([])
  })

  it('says why when the registry has no such package, and when there is none', { timeout: NPM_MS }, async () => {
    const { root, env, say } = checkout(registry)
    expect(
      await fetchCuda({
        root,
        env,
        say,
        packages: [...packages, { ...packages[0]!, name: '@node-llama-cpp/not-there' }],
      }),
    ).toMatch(/404|not found|not in this registry/i)
    const offline = checkout('http://127.0.0.1:9')
    expect(await fetchCuda({ ...offline, packages })).toMatch(/ECONNREFUSED|connect/i)
    expect(readdirSync(join(offline.root, '.stoker'))).toEqual([])
  })

  it('gives up on a registry that accepts and then says nothing', { timeout: NPM_MS }, async () => {
    const mute = createServer(() => undefined)
    silent.push(mute)
    await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done))
    const { root, env, say } = checkout(`http://127.0.0.1:${(mute.address() as AddressInfo).port}`)
    expect(await fetchCuda({ root, env, say, packages, silenceMs: 2_000 })).toBe('nothing came for 2 s')
    expect(readdirSync(join(root, '.stoker'))).toEqual([])
  })
})
