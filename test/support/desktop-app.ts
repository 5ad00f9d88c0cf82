/**
 * The desktop app without Electron: the real shell over doubles of Electron's API, its built bundles as real processes.
 * Build first (built.ts).
 */
import { join } from 'node:path'

import { APP_URL } from '#desktop/security.ts'
import { Shell } from '#desktop/shell.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'

import { bundle, ROOT } from './built.ts'
import { FakeElectron } from './fake-electron.ts'
import type { FakeMessagePortMain } from './fake-message-port-main.ts'
import { withProcesses, type FakeUtilityProcess } from './fake-utility-process.ts'
import { until } from './until.ts'

/** Real processes start and end behind it. */
const WAIT_MAX_MS = 60_000

export interface DesktopApp {
  fake: FakeElectron
  shell: Shell
  forked: FakeUtilityProcess[]
  /** What the shell told the launcher when the core could not run. */
  failed: string[]
  /**
   * The page asks for a channel, as preload does, and waits for its end: while the core restarts it comes with the next
   * core.
   */
  connect(): Promise<FakeMessagePortMain>
  /** Resolves when every child has ended and the app has quit. */
  quit(): Promise<void>
}

export async function startDesktopApp(dataDir: string): Promise<DesktopApp> {
  const fake = new FakeElectron()
  // The folder comes with the shell's words, not from the environment: a child that looks there would be seen to.
  const { electron, forked } = withProcesses(fake, {
    STOKER_LOG: 'error',
    STOKER_DATA: join(dataDir, 'not-this-one'),
  })
  const failed: string[] = []
  const paths = {
    core: bundle('core'),
    engine: bundle('engine'),
    exchange: bundle('exchange'),
    sensors: bundle('sensors'),
    preload: '',
    renderer: join(ROOT, 'out', 'renderer'),
    dataDir,
    resources: join(ROOT, 'resources'),
  }
  const shell = new Shell({
    electron,
    clock: systemClock,
    log: createLog('shell').child({}, { level: 'silent' }),
    paths,
    isPackaged: false,
    onReady: () => undefined,
    onFailed: (message) => failed.push(message),
    onNote: () => undefined,
  })
  await shell.start()
  return {
    fake,
    shell,
    forked,
    failed,
    async connect() {
      const window = fake.windows[0]!
      const had = window.ports.length
      fake.ipc.get('stoker-connect')!({ sender: window.webContents, senderFrame: { url: APP_URL, parent: null } })
      await until('a port for the page', () => window.ports.length > had, WAIT_MAX_MS)
      return window.ports.at(-1) as unknown as FakeMessagePortMain
    },
    async quit() {
      fake.quit()
      await until(
        'the shell and its children to end',
        () => shell.childCount === 0 && fake.quits + fake.exits.length > 0,
        WAIT_MAX_MS,
      )
    },
  }
}
