/** The npm that started this process, else the one on the path. */
import { existsSync } from 'node:fs'

/** Program and first arguments; npm's own are appended. On Windows npm.cmd needs a shell. */
export function npmCommand(env: NodeJS.ProcessEnv): [command: string, before: string[]] {
  const npm = env['npm_execpath']
  if (npm !== undefined && /npm-cli\.c?js$/.test(npm) && existsSync(npm)) return [process.execPath, [npm]]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
}
