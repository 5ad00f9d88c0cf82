/** Entry of Electron's main process: hands the real API to the shell. Everything worth testing is in shell.ts. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { app, BrowserWindow, dialog, ipcMain, Menu, MessageChannelMain, nativeImage, net, Notification, protocol, session, Tray, utilityProcess } from 'electron'

import { systemClock } from '#lib/clock.ts'
import { dataDirectory } from '#lib/data-directory.ts'

import type { PortLike, ShellElectron, UtilityLike, WindowLike } from './electron-api.ts'
import { fileOf } from './serve-app.ts'
import { Shell } from './shell.ts'

protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }])

/** 16 × 16 transparent PNG with an ember square; the tray needs some picture on every system. */
const TRAY_ICON = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAHklEQVR42mPY4sb/nxLMMGrAqAGjBowaMGrA8DAAAGKO8Tm0+XzqAAAAAElFTkSuQmCC'

const electron: ShellElectron = {
  app: app as unknown as ShellElectron['app'],
  createWindow: (options) => new BrowserWindow(options) as unknown as WindowLike,
  fork: (entry, name) => utilityProcess.fork(entry, [], { serviceName: name, stdio: 'inherit' }) as unknown as UtilityLike,
  createPorts: () => {
    const { port1, port2 } = new MessageChannelMain()
    return { port1: port1 as unknown as PortLike, port2: port2 as unknown as PortLike }
  },
  onIpc: (channel, listener) => void ipcMain.on(channel, (event) => listener(event)),
  hardenSession(contentSecurityPolicy) {
    session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
    session.defaultSession.setPermissionCheckHandler(() => false)
    session.defaultSession.webRequest.onHeadersReceived((details, respond) => respond({ responseHeaders: { ...details.responseHeaders, 'Content-Security-Policy': [contentSecurityPolicy] } }))
  },
  serveApp(root) {
    protocol.handle('app', (request) => {
      const file = fileOf(root, request.url)
      return file === null ? new Response('not found', { status: 404 }) : net.fetch(pathToFileURL(file).toString())
    })
  },
  async ask(question) {
    const { response } = await dialog.showMessageBox({ type: 'question', ...question })
    return response
  },
  notify: (title, body) => new Notification({ title, body }).show(),
  createTray({ open, quit }) {
    const tray = new Tray(nativeImage.createFromDataURL(TRAY_ICON))
    const update = (_state: string, text: string): void => {
      tray.setToolTip(`Stoker: ${text}`)
      tray.setContextMenu(Menu.buildFromTemplate([{ label: text, enabled: false }, { type: 'separator' }, { label: 'Open', click: open }, { label: 'Quit Stoker', click: quit }]))
    }
    tray.on('click', open)
    update('off', 'starting')
    return { update, destroy: () => tray.destroy() }
  },
}

const built = (name: string): string => join(import.meta.dirname, name)
const shell = new Shell({
  electron,
  clock: systemClock,
  isPackaged: app.isPackaged,
  paths: {
    core: built('core.js'),
    engine: built('engine.js'),
    exchange: built('exchange.js'),
    preload: join(import.meta.dirname, '../preload/preload.cjs'),
    renderer: join(import.meta.dirname, '../renderer'),
    dataDir: dataDirectory(),
    resources: app.isPackaged ? process.resourcesPath : join(import.meta.dirname, '../../resources'),
  },
  // `npm start` reads this line: an exit before it, or silence, means that no window can be had here.
  onReady: () => process.stdout.write('stoker-desktop ready\n'),
})
void shell.start()
