/**
 * Can the desktop window be had? Fetches Electron's own binary when it is missing, with visible progress and a bound on
 * silence.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { bytesBelow } from '../bytes-below.ts'
import { tie } from '../tied.ts'
import { runWindow, type Attempt } from './run-window.ts'

/** No bytes for this long counts as "cannot be had". */
const SILENCE_MS = 20_000
const CHECK_MS = 1_000
/** However steadily it trickles. */
const FETCH_MAX_MS = 900_000

/** Null when a window could be shown here, else why not. */
export function displayProblem(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | null {
  if (platform !== 'linux') return null
  return (env['DISPLAY'] ?? '') === '' && (env['WAYLAND_DISPLAY'] ?? '') === ''
    ? 'there is no display (DISPLAY and WAYLAND_DISPLAY are empty)'
    : null
}

function packageDir(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('electron/package.json'))
  } catch {
    return null
  }
}

/** The binary its package names in path.txt, or null when it was not fetched. */
function binaryIn(dir: string): string | null {
  try {
    const path = join(dir, 'dist', readFileSync(join(dir, 'path.txt'), 'utf8'))
    return existsSync(path) ? path : null
  } catch {
    return null
  }
}

/** Runs the package's own install script; true when it ended well. Kills it after SILENCE_MS without a new byte. */
function fetchBinary(dir: string, say: (line: string) => void): Promise<boolean> {
  const temporary = mkdtempSync(join(tmpdir(), 'stoker-electron-'))
  say('Fetching the Electron window (once, about 110 MB) …')
  return new Promise((resolve) => {
    const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary, ELECTRON_GET_NO_PROGRESS: '1' }
    const child = spawn(process.execPath, [join(dir, 'install.js')], { env, stdio: ['ignore', 'ignore', 'ignore'] })
    tie(child)
    let bytes = 0
    const startedAt = performance.now()
    let grewAt = startedAt
    let saidMiB = 0
    const timer = setInterval(() => {
      const now = bytesBelow(temporary) + bytesBelow(join(dir, 'dist'))
      if (now !== bytes) grewAt = performance.now()
      bytes = now
      if (bytes >= (saidMiB + 10) * 2 ** 20) {
        saidMiB = Math.floor(bytes / 2 ** 20)
        say(`  ${saidMiB} MiB`)
      }
      if (performance.now() - grewAt > SILENCE_MS || performance.now() - startedAt > FETCH_MAX_MS) child.kill('SIGKILL')
    }, CHECK_MS)
    const end = (ok: boolean): void => {
      clearInterval(timer)
      rmSync(temporary, { recursive: true, force: true })
      resolve(ok)
    }
    child.once('error', () => end(false))
    child.once('exit', (code) => end(code === 0))
  })
}

/** Electron's binary, fetched when it is missing, or why no window can be had here. */
export async function findElectron(say: (line: string) => void): Promise<{ binary: string } | { why: string }> {
  const display = displayProblem(process.env, process.platform)
  if (display !== null) return { why: display }
  if (process.platform === 'linux' && process.getuid?.() === 0) return { why: 'its sandbox does not run as root' }
  const dir = packageDir()
  if (dir === null) return { why: 'the electron package is not installed' }
  const binary = binaryIn(dir) ?? ((await fetchBinary(dir, say)) ? binaryIn(dir) : null)
  return binary === null ? { why: 'its binary could not be fetched' } : { binary }
}

/** Tries the desktop window; resolves when it was closed, or with why there is none. Never adds --no-sandbox. */
export async function tryDesktop(root: string, say: (line: string) => void): Promise<Attempt> {
  const electron = await findElectron(say)
  if ('why' in electron) return { started: false, why: electron.why }
  if (!existsSync(join(root, 'out', 'main', 'shell.js')))
    return { started: false, why: 'out/main/shell.js was not built' }
  return runWindow({ binary: electron.binary, root, env: process.env, silenceMs: SILENCE_MS, say })
}
