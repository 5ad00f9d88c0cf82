/** The desktop bundles, built anew when they are older than their sources. */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'

import { buildIsStale } from '#cli/start/renderer-build.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
export const bundle = (name: 'shell' | 'core' | 'engine' | 'exchange' | 'sensors'): string =>
  join(ROOT, 'out', 'main', `${name}.js`)

export function ensureBuilt(): void {
  if (buildIsStale(ROOT))
    execFileSync(
      process.execPath,
      [join(ROOT, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'build', '--logLevel', 'warn'],
      {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
}
