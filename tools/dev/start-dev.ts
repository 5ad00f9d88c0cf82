/**
 * `npm run dev`: Electron in development where its window can be had. Elsewhere one line says why not, and the same
 * core runs here with its screens in any browser: both from their sources, the screens with hot reload, the core
 * started again on a change. Arguments after `--` go to `stoker serve` then.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { build, buildIsStale } from '#cli/start/renderer-build.ts'
import { findElectron } from '#cli/start/electron-binary.ts'

import { PAGE_PORT, ROOT, startPageServer } from './page-server.ts'
import { freePort, watchCore, type DevCore } from './watched-core.ts'

const note = (line: string): void => void process.stderr.write(`${line}\n`)

/**
 * Resolves to the exit code. The window shows the built page (its one address is app://), so the page is built first.
 */
async function inWindow(): Promise<number> {
  if (buildIsStale(ROOT) && (await build(ROOT, process.env)) !== 0) return 1
  const child = spawn(
    process.execPath,
    [join(ROOT, 'node_modules/electron-vite/bin/electron-vite.js'), 'dev', '--watch'],
    { cwd: ROOT, stdio: 'inherit' },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

/**
 * Resolves when both listen. They end together: on Ctrl+C, on SIGTERM (which Vite hears itself), or when the core
 * cannot be watched.
 */
async function inBrowser(args: readonly string[]): Promise<void> {
  const port = await freePort()
  const target = `http://127.0.0.1:${port}`
  let core: DevCore | null = null
  const { url, vite } = await startPageServer('dev', PAGE_PORT, {
    plugins: [{ name: 'stoker-core', closeBundle: () => core?.stop() }],
    server: { proxy: { '/auth': target, '/upload': target, '/rpc': { target, ws: true } } },
  })
  let ending = false
  const end = (code: number): void => {
    if (ending) return
    ending = true
    process.exitCode = code
    void vite.close()
  }
  process.once('SIGINT', () => end(0))
  core = watchCore({
    port,
    pageHost: new URL(url).host,
    args,
    onCode: (code) =>
      console.log(
        `Open this link (one use, ten minutes; pages that are signed in come back by themselves):\n\n  ${url}#code=${code}\n`,
      ),
    onEnd: () => end(1),
  })
}

const requested = process.env['STOKER_UI'] ?? 'auto'
const electron = requested === 'headless' ? { why: 'STOKER_UI is headless' } : await findElectron(note)
if ('binary' in electron) process.exitCode = await inWindow()
else if (requested === 'desktop') {
  note(`No Electron window: ${electron.why}. Unset STOKER_UI to use the browser instead.`)
  process.exitCode = 3
} else {
  note(
    `No Electron window: ${electron.why}. The same console opens in the browser, with hot reload, on a data folder of its own (.stoker/dev):`,
  )
  await inBrowser(process.argv.slice(2))
}
