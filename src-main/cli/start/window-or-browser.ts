/** Decides between window and browser, and says why in one line. */
import { resolve } from 'node:path'

import { note } from '../output.ts'
import { runCli } from '../program.ts'
import { build, buildIsStale } from './renderer-build.ts'
import { tryDesktop } from './electron-binary.ts'
import { offerCuda } from './offer-cuda.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

/** Arguments after `npm start --` go to `stoker serve` when there is no window. Resolves to the exit code. */
export async function start(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const requested = env['STOKER_UI'] ?? 'auto'
  if (requested !== 'auto' && requested !== 'desktop' && requested !== 'headless') {
    note(`STOKER_UI is "${requested}"; it may be headless, desktop, or unset.`)
    return 2
  }
  if (buildIsStale(ROOT)) {
    note('Building the screens (there is no build of these sources yet) …')
    if ((await build(ROOT, env)) !== 0) {
      note('The build failed; the lines above say where. After mending: npm start')
      return 1
    }
  }
  await offerCuda(ROOT, env, note)
  if (requested !== 'headless') {
    const attempt = await tryDesktop(ROOT, note)
    if (attempt.started) return attempt.code
    note(
      `No Electron window: ${attempt.why}. ${requested === 'desktop' ? 'Unset STOKER_UI to use the browser instead.' : 'The same console opens in the browser:'}`,
    )
    if (requested === 'desktop') return 3
  }
  return runCli([process.execPath, 'stoker', 'serve', ...args])
}
