/**
 * Entry of Electron's main process: hands the real API to the shell, without a cast, so that the compiler compares it
 * with Electron's own types. Everything worth testing is beside it.
 */
import '#words/install-english.ts'

import { join } from 'node:path'

import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  nativeImage,
  Notification,
  protocol,
  session,
  Tray,
  utilityProcess,
} from 'electron'

import { switchOffCoreDumps } from '#lib/core-dumps.ts'
import { createLog } from '#lib/log.ts'
import { endsWithParent, watchParent } from '#lib/parent-watch.ts'
import { systemClock } from '#lib/system-clock.ts'
import { dataDirectory, ensureDataDirectory } from '#lib/data-directory.ts'

import type { ShellElectron } from './electron-api.ts'
import { answerApp } from './serve-app.ts'
import { EXIT_FAILED, Shell } from './shell.ts'

/** 16 × 16 transparent PNG with an ember square; the tray needs some picture on every system. */
const TRAY_ICON =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAHklEQVR42mPY4sb/nxLMMGrAqAGjBowaMGrA8DAAAGKO8Tm0+XzqAAAAAElFTkSuQmCC'

/**
 * `npm start` (cli/start/electron-binary.ts) reads these lines; an exit before one of the first three means that no window can be
 * had here.
 */
const say = (line: 'ready' | 'raised' | `failed: ${string}` | `note: ${string}`): void =>
  void process.stdout.write(`stoker-desktop ${line}\n`)

switchOffCoreDumps()
// `npm start` ends the window; where it was killed, nobody does.
if (endsWithParent()) void watchParent(systemClock, () => app.quit())
const dataDir = dataDirectory()
app.setName('Stoker')
try {
  // One instance per data folder, and Chromium's own files beside the rig's, never in a folder shared with other
  // programs. It must exist.
  app.setPath('userData', ensureDataDirectory(join(ensureDataDirectory(dataDir), 'window')))
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  say(`failed: ${message}`)
  dialog.showErrorBox('Stoker stopped', message)
  process.exit(EXIT_FAILED)
}
// The default menu has links to the web; these entries have the shortcuts of every system.
Menu.setApplicationMenu(
  Menu.buildFromTemplate([
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { role: 'fileMenu' },
    { role: 'editMenu' },
    { role: 'viewMenu' },
    { role: 'windowMenu' },
  ]),
)
protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
])

function hardenSession(mayLoad: (url: string) => boolean): void {
  const own = session.defaultSession
  own.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  own.setPermissionCheckHandler(() => false)
  own.setDevicePermissionHandler(() => false)
  own.webRequest.onBeforeRequest(({ url }, decide) => decide({ cancel: !mayLoad(url) }))
  own.on('will-download', (event, item) => {
    if (!mayLoad(item.getURL())) event.preventDefault()
  })
}

function createTray({ open, quit }: { open: () => void; quit: () => void }): ReturnType<ShellElectron['createTray']> {
  const tray = new Tray(nativeImage.createFromDataURL(TRAY_ICON))
  const update = (_state: string, text: string): void => {
    if (tray.isDestroyed()) return
    tray.setToolTip(`Stoker: ${text}`)
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: text, enabled: false },
        { type: 'separator' },
        { label: 'Open', click: open },
        { label: 'Quit Stoker', click: quit },
      ]),
    )
  }
  tray.on('click', open)
  update('off', 'starting')
  return { update, destroy: () => tray.destroy() }
}

const electron: ShellElectron = {
  app,
  createWindow: (options) => new BrowserWindow(options),
  onPage: (listener) => void app.on('web-contents-created', (_event, contents) => listener(contents)),
  fork: (entry, name, env) =>
    utilityProcess.fork(entry, [], { serviceName: name, stdio: ['ignore', 'inherit', 'pipe'], env }),
  killHard(pid) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went by itself in the meantime.
    }
  },
  createPorts: () => new MessageChannelMain(),
  onIpc: (channel, listener) => void ipcMain.on(channel, (event) => listener(event)),
  hardenSession,
  serveApp: (root) => protocol.handle('app', (request) => answerApp(root, request)),
  async ask(question) {
    const { response } = await dialog.showMessageBox({ type: 'question', ...question })
    return response
  },
  async showError(title, message) {
    await dialog.showMessageBox({ type: 'error', title, message: title, detail: message, buttons: ['Close'] })
  },
  notify(title, body) {
    if (Notification.isSupported()) new Notification({ title, body }).show()
  },
  createTray,
}

const built = (name: string): string => join(import.meta.dirname, name)
const shell = new Shell({
  electron,
  clock: systemClock,
  log: createLog('shell'),
  isPackaged: app.isPackaged,
  paths: {
    core: built('core.js'),
    engine: built('engine.js'),
    exchange: built('exchange.js'),
    sensors: built('sensors.js'),
    preload: join(import.meta.dirname, '../preload/preload.cjs'),
    renderer: join(import.meta.dirname, '../renderer'),
    dataDir,
    resources: app.isPackaged ? process.resourcesPath : join(import.meta.dirname, '../../resources'),
  },
  onReady: () => say('ready'),
  onFailed: (message) => say(`failed: ${message}`),
  onNote: (line) => say(`note: ${line}`),
})
shell.start().then(
  (started) => {
    if (!started) say('raised')
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    app.exit(1)
  },
)
