/** Is the build older than its sources, and if so, build. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { npmCommand } from '../npm.ts'
import { note } from '../output.ts'
import { tie } from '../tied.ts'

const SOURCES = ['src-renderer', 'src-main', 'electron.vite.config.ts', 'renderer.config.ts', 'package.json']
const BUILD = ['run', '-s', 'build', '--', '--logLevel', 'warn'] as const
/** A checkout has about a thousand files; beyond this bound the tree is not ours and a build is the safe answer. */
const ENTRIES_MAX = 50_000

/**
 * Newest modification time below `path` in milliseconds since 1970; Infinity when there are more entries than the
 * bound.
 */
function newest(path: string): number {
  if (!existsSync(path)) return 0
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  if (entries.length > ENTRIES_MAX) return Number.POSITIVE_INFINITY
  return entries
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0)
}

/** True when there is no built page, or a source is newer than it. */
export function buildIsStale(root: string): boolean {
  const page = join(root, 'out', 'renderer', 'index.html')
  if (!existsSync(page)) return true
  const builtAt = statSync(page).mtimeMs
  return SOURCES.some((source) => newest(join(root, source)) > builtAt)
}

/** Why a build cannot be begun, and what to do; null when it can. */
export function buildProblem(root: string): string | null {
  return existsSync(join(root, 'node_modules', 'electron-vite'))
    ? null
    : 'The tools that build the screens are not installed: npm leaves them out with NODE_ENV=production or omit=dev. Run npm install --include=dev --include=optional, then again.'
}

/**
 * Runs `npm run build` with the npm that started us, else through npx's neighbour; resolves to its exit code. Says why
 * when it cannot be begun.
 */
export async function build(root: string, env: NodeJS.ProcessEnv): Promise<number> {
  const problem = buildProblem(root)
  if (problem !== null) {
    note(problem)
    return 1
  }
  const [command, before] = npmCommand(env)
  return new Promise((resolve) => {
    const child = spawn(command, [...before, ...BUILD], {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && command === 'npm.cmd',
    })
    tie(child)
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
