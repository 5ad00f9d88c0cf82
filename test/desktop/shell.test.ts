/** The shell against a double of Electron's API. What the double cannot show (real windows, real ports) is in test/desktop/e2e. */
import { describe, expect, it } from 'vitest'

import { fileOf } from '#desktop/serve-app.ts'
import { APP_URL } from '#desktop/security.ts'
import { CORE_RESTARTS_MAX, Shell } from '#desktop/shell.ts'

import { FakeElectron } from '../support/fake-electron.ts'

const paths = { core: 'core.js', engine: 'engine.js', exchange: 'exchange.js', preload: 'preload.cjs', renderer: '/app/renderer', dataDir: '/data', resources: '/resources' }
/** Sleeps end at once, except the ones that are aborted: enough for order, without waiting. */
const clock = { now: () => 0, mono: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve))) }
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function started(change: (electron: FakeElectron) => void = () => {}) {
  const electron = new FakeElectron()
  change(electron)
  let ready = 0
  const shell = new Shell({ electron: electron.api, clock, paths, isPackaged: true, onReady: () => (ready += 1) })
  const running = await shell.start()
  return { electron, shell, running, ready: () => ready }
}

describe('the desktop shell', () => {
  it('opens one hardened window on its own page and says ready', async () => {
    const { electron, ready } = await started()
    const window = electron.windows[0]!
    expect(window.options.webPreferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, devTools: false })
    expect({ url: window.url, visible: window.visible, openDenied: window.openDenied, ready: ready(), served: electron.served }).toEqual({ url: APP_URL, visible: true, openDenied: true, ready: 1, served: '/app/renderer' })
    expect(electron.hardened).toContain("script-src 'self'")
    let prevented = false
    window.webContents.on('will-navigate', () => {})
    ;(window.webContents as unknown as { emit(event: string, value: unknown): void }).emit('will-navigate', { preventDefault: () => (prevented = true) })
    expect(prevented).toBe(true)
  })

  it('raises the first window and starts nothing when a second instance opens', async () => {
    const { electron, running } = await started((fake) => (fake.hasLock = false))
    expect([running, electron.utilities.length, electron.windows.length]).toEqual([false, 0, 0])
    const first = await started()
    first.electron.windows[0]!.visible = false
    first.electron.events.emit('second-instance')
    expect(first.electron.windows[0]!.visible).toBe(true)
  })

  it('brokers a fresh channel for every connect of its own page, and none for a foreign frame', async () => {
    const { electron } = await started()
    const connect = electron.ipc.get('stoker-connect')!
    connect({ sender: null, senderFrame: { url: APP_URL, parent: null } })
    connect({ sender: null, senderFrame: { url: APP_URL, parent: null } })
    connect({ sender: null, senderFrame: { url: 'https://example.org/', parent: null } })
    connect({ sender: null, senderFrame: { url: APP_URL, parent: {} } })
    connect({ sender: null, senderFrame: null })
    expect(electron.windows[0]!.sent).toEqual([
      { channel: 'stoker-port', ports: 1 },
      { channel: 'stoker-port', ports: 1 },
    ])
    expect(electron.utilities[0]!.sent.filter(({ message }) => (message as { t: string }).t === 'renderer')).toHaveLength(2)
  })

  it('forks an engine when the core asks, gives both their ends, and tells the core of its exit', async () => {
    const { electron } = await started()
    const core = electron.utilities[0]!
    core.emit('message', { t: 'fork', id: 7, child: 'engine' })
    const engine = electron.utilities[1]!
    expect([engine.entry, engine.sent]).toEqual(['engine.js', [{ message: { t: 'port' }, ports: 1 }]])
    expect(core.sent.at(-1)).toEqual({ message: { t: 'forked', id: 7, pid: engine.pid }, ports: 1 })
    core.emit('message', { t: 'kill', id: 7 })
    await settle()
    expect(core.sent.at(-1)?.message).toEqual({ t: 'exited', id: 7, code: 137 })
  })

  it('ends the children of a crashed core before it starts the next, and gives up after the bound', async () => {
    const { electron } = await started()
    electron.utilities[0]!.emit('message', { t: 'fork', id: 1, child: 'engine' })
    electron.utilities[0]!.end(9)
    await settle()
    expect(electron.utilities.map(({ entry, alive }) => [entry, alive])).toEqual([
      ['core.js', false],
      ['engine.js', false],
      ['core.js', true],
    ])
    for (let crash = 0; crash < CORE_RESTARTS_MAX; crash += 1) {
      electron.utilities.at(-1)!.end(9)
      await settle()
    }
    expect(electron.notices).toEqual(['Stoker stopped'])
    expect(electron.utilities.some(({ alive }) => alive)).toBe(false)
  })

  it('asks once about the tray, remembers the answer, and tells the core', async () => {
    const { electron } = await started()
    const window = electron.windows[0]!
    const close = async (): Promise<boolean> => {
      let held = false
      window.emit('close', { preventDefault: () => (held = true) })
      await settle()
      return held
    }
    expect([await close(), await close(), window.visible, electron.asked.length]).toEqual([true, true, false, 1])
    expect(electron.utilities[0]!.sent.at(-1)?.message).toEqual({ t: 'close-to-tray', choice: 'tray' })
    expect(electron.utilities[0]!.alive).toBe(true)
  })

  it('ends every child before it quits, also one that ignores the request', async () => {
    const { electron, shell } = await started()
    electron.utilities[0]!.emit('message', { t: 'fork', id: 1, child: 'engine' })
    electron.utilities[0]!.emit('message', { t: 'fork', id: 2, child: 'exchange' })
    electron.utilities[0]!.obedient = false
    expect(electron.quit()).toBe(true)
    await settle()
    expect({ alive: electron.utilities.filter(({ alive }) => alive).length, left: shell.childCount, quits: electron.quits, tray: electron.tray.destroyed }).toEqual({ alive: 0, left: 0, quits: 1, tray: true })
  })
})

describe('app://stoker', () => {
  it.each([
    ['app://stoker/index.html', '/app/renderer/index.html'],
    ['app://stoker/assets/a.js?x=1', '/app/renderer/assets/a.js'],
    ['app://other/index.html', null],
    ['app://stoker/%2e%2e/%2e%2e/etc/passwd', null],
    ['app://stoker/..%2f..%2fetc/passwd', null],
    ['app://stoker/%00', null],
    ['app://stoker/%', null],
  ])('%s → %s', (url, file) => {
    const found = fileOf('/app/renderer', url)
    if (file === null && found !== null) expect(found.startsWith('/app/renderer/')).toBe(true)
    else expect(found).toBe(file)
  })
})
