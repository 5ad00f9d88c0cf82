/**
 * The shell against a double of Electron's API. What the double cannot show (real windows, real ports) is in
 * test/desktop/e2e.
 */
import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { APP_URL } from '#desktop/security.ts'
import { EXIT_FAILED, Shell } from '#desktop/shell.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import { createLog } from '#lib/log.ts'

import { FakeElectron, type FakeUtility } from '../support/fake-electron.ts'
import { rest } from '../support/until.ts'

const paths = {
  core: 'core.js',
  engine: 'engine.js',
  exchange: 'exchange.js',
  sensors: 'sensors.js',
  preload: 'preload.cjs',
  renderer: '/app/renderer',
  dataDir: '/data',
  resources: '/resources',
}
const log = createLog('test').child({}, { level: 'silent' })
/** Pauses and the steps of an end are over at once: enough for order, without waiting. What watches, waits for ever. */
const clock = {
  now: () => 0,
  mono: () => 0,
  sleep: (_ms: number, options?: { unref?: boolean }) =>
    new Promise<void>((resolve) => options?.unref === true || setImmediate(() => setImmediate(resolve))),
}

async function started(change: (electron: FakeElectron) => void = () => {}) {
  const electron = new FakeElectron()
  change(electron)
  const told: string[] = []
  const shell = new Shell({
    electron: electron.api,
    clock,
    log,
    paths,
    isPackaged: true,
    onReady: () => told.push('ready'),
    onFailed: (message) => told.push(`failed: ${message}`),
    onNote: (line) => told.push(`note: ${line}`),
  })
  const running = await shell.start()
  return { electron, shell, running, told }
}
const connect = (electron: FakeElectron): void =>
  electron.ipc.get('stoker-connect')!({
    sender: electron.windows[0]!.webContents,
    senderFrame: { url: APP_URL, parent: null },
  })
const renderers = (core: FakeUtility): number =>
  core.sent.filter(({ message }) => (message as { t: string }).t === 'renderer').length

describe('the desktop shell', () => {
  it('opens one hardened window on its own page and says ready', async () => {
    const { electron, told } = await started()
    const window = electron.windows[0]!
    expect(window.options.webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      devTools: false,
    })
    expect({
      url: window.url,
      visible: window.visible,
      openDenied: window.openDenied,
      told,
      served: electron.served,
    }).toEqual({
      url: APP_URL,
      visible: true,
      openDenied: true,
      told: ['ready'],
      served: '/app/renderer',
    })
  })

  it('raises the first window and starts nothing when a second instance opens', async () => {
    const { electron, running } = await started((fake) => (fake.hasLock = false))
    expect([running, electron.utilities.length, electron.windows.length]).toEqual([false, 0, 0])
    const first = await started()
    first.electron.windows[0]!.visible = false
    first.electron.events.emit('second-instance')
    expect(first.electron.windows[0]!.visible).toBe(true)
  })

  it('brokers a fresh channel for every connect of its own page, and none for a foreign frame or another page', async () => {
    const { electron } = await started()
    const listener = electron.ipc.get('stoker-connect')!
    const sender = electron.windows[0]!.webContents
    connect(electron)
    connect(electron)
    listener({ sender, senderFrame: { url: 'https://example.org/', parent: null } })
    listener({ sender, senderFrame: { url: 'app://stoker.example/', parent: null } })
    listener({ sender, senderFrame: { url: APP_URL, parent: {} } })
    listener({ sender, senderFrame: null })
    listener({ sender: {}, senderFrame: { url: APP_URL, parent: null } })
    expect(electron.windows[0]!.sent).toEqual([
      { channel: 'stoker-port', ports: 1 },
      { channel: 'stoker-port', ports: 1 },
    ])
    expect(renderers(electron.utilities[0]!)).toBe(2)
  })

  it('gives a page that asked while the core restarts the channel to the next core, and one that did not ask none', async () => {
    const { electron } = await started()
    electron.utilities[0]!.end(9)
    connect(electron)
    expect(electron.windows[0]!.sent).toEqual([])
    await rest()
    expect([electron.utilities.length, renderers(electron.utilities[1]!), electron.windows[0]!.sent.length]).toEqual([
      2, 1, 1,
    ])
    electron.utilities[1]!.end(9)
    await rest()
    expect([electron.utilities.length, renderers(electron.utilities[2]!), electron.windows[0]!.sent.length]).toEqual([
      3, 0, 1,
    ])
  })

  it('loads a page anew that never noticed that its core ended, and leaves one alone that did', async () => {
    const { electron } = await started()
    const window = electron.windows[0]!
    const restart = async (asks: boolean): Promise<number> => {
      electron.utilities.at(-1)!.end(9)
      await rest()
      if (asks) connect(electron)
      electron.utilities.at(-1)!.emit('message', { t: 'ready' })
      await rest()
      return window.reloads
    }
    electron.utilities[0]!.emit('message', { t: 'ready' })
    expect(await restart(false), 'it never asked for a channel').toBe(0)
    connect(electron)
    expect([await restart(true), await restart(false)]).toEqual([0, 1])
  })

  it('forks an engine when the core asks, gives both their ends once it has a pid, and tells the core of its exit', async () => {
    const { electron } = await started()
    const core = electron.utilities[0]!
    core.emit('message', { t: 'fork', id: 7, child: 'engine' })
    const engine = electron.utilities[1]!
    expect([engine.entry, engine.sent]).toEqual(['engine.js', []])
    await rest()
    expect(engine.sent).toEqual([{ message: { t: 'port', dataDir: '/data' }, ports: 1 }])
    expect(core.sent.at(-1)).toEqual({ message: { t: 'forked', id: 7, pid: engine.pid }, ports: 1 })
    expect(engine.pid).toBeTypeOf('number')
    core.emit('message', { t: 'kill', id: 7, hard: false })
    await rest()
    expect(core.sent.at(-1)?.message).toEqual({ t: 'exited', id: 7, code: 143, words: '' })
  })

  it('gives each child what its list allows, and an engine the one GPU it is for (desktop children had every token of the shell)', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '2,5')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not yours')
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { electron } = await started()
    const core = electron.utilities[0]!
    core.emit('message', { t: 'fork', id: 1, child: 'engine', gpu: 1 })
    core.emit('message', { t: 'fork', id: 2, child: 'engine' })
    core.emit('message', { t: 'fork', id: 3, child: 'exchange' })
    const seen = (name: string): unknown[] => electron.utilities.map(({ environment }) => environment[name])
    expect([seen('CUDA_VISIBLE_DEVICES'), seen('GGML_VK_VISIBLE_DEVICES')]).toEqual([
      ['2,5', '5', '2,5', undefined],
      [undefined, '1', undefined, undefined],
    ])
    expect([seen('AWS_SECRET_ACCESS_KEY'), seen('HTTPS_PROXY'), seen('PATH')]).toEqual([
      [undefined, undefined, undefined, undefined],
      ['http://proxy:1', undefined, undefined, undefined],
      Array.from({ length: 4 }, () => process.env['PATH']),
    ])
  })

  it('kills for good when the core says so', async () => {
    const { electron } = await started()
    const core = electron.utilities[0]!
    core.emit('message', { t: 'fork', id: 7, child: 'engine' })
    electron.utilities[1]!.stubborn = true
    await rest()
    core.emit('message', { t: 'kill', id: 7, hard: false })
    await rest()
    expect([electron.killedHard, electron.utilities[1]!.alive]).toEqual([[], true])
    core.emit('message', { t: 'kill', id: 7, hard: true })
    await rest()
    expect([electron.killedHard, electron.utilities[1]!.alive]).toEqual([[electron.utilities[1]!.pid], false])
  })

  it('ends the children of a crashed core before it starts the next, and gives up after the bound', async () => {
    const { electron, told } = await started()
    electron.utilities[0]!.emit('message', { t: 'fork', id: 1, child: 'engine' })
    electron.utilities[0]!.end(9)
    await rest()
    expect(electron.utilities.map(({ entry, alive }) => [entry, alive])).toEqual([
      ['core.js', false],
      ['engine.js', false],
      ['core.js', true],
    ])
    for (let crash = 1; crash < CHILD_POLICIES.core.failuresMax.first; crash += 1) {
      electron.utilities.at(-1)!.end(9)
      await rest()
    }
    expect(electron.errors).toHaveLength(1)
    expect(told.at(-1)).toMatch(/^failed: Its core ended 6 times/)
    expect([electron.utilities.some(({ alive }) => alive), electron.exits]).toEqual([false, [EXIT_FAILED]])
  })

  it('hears nothing more from a core that has ended', async () => {
    const { electron } = await started()
    const old = electron.utilities[0]!
    old.end(9)
    await rest()
    old.emit('message', { t: 'fork', id: 1, child: 'engine' })
    expect(electron.utilities.map(({ entry }) => entry)).toEqual(['core.js', 'core.js'])
  })

  it('shows the owner why the core cannot run, restarts nothing, and ends with its own exit code', async () => {
    const { electron, told } = await started()
    const core = electron.utilities[0]!
    core.emit('message', { t: 'failed', code: 'DATA_LOCKED', message: 'the folder is in use by process 7' })
    core.emit('message', { t: 'failed', code: 'DATA_LOCKED', message: 'the folder is in use by process 7' })
    await rest()
    expect({
      errors: electron.errors,
      told,
      cores: electron.utilities.length,
      exits: electron.exits,
      asked: core.sent.at(-1)?.message,
    }).toEqual({
      errors: ['the folder is in use by process 7'],
      told: ['ready', 'failed: the folder is in use by process 7'],
      cores: 1,
      exits: [EXIT_FAILED],
      asked: { t: 'quit' },
    })
  })

  it('asks once about the tray, remembers the answer, and tells the core', async () => {
    const { electron } = await started()
    const window = electron.windows[0]!
    const close = async (): Promise<boolean> => {
      let held = false
      window.emit('close', { preventDefault: () => (held = true) })
      await rest()
      return held
    }
    expect([await close(), await close(), window.visible, electron.asked.length]).toEqual([true, true, false, 1])
    expect(electron.utilities[0]!.sent.at(-1)?.message).toEqual({ t: 'close-to-tray', choice: 'tray' })
    expect(electron.utilities[0]!.alive).toBe(true)
  })

  it('does not ask when the settings hold an answer', async () => {
    const { electron } = await started()
    electron.utilities[0]!.emit('message', { t: 'close-to-tray', choice: 'tray' })
    electron.windows[0]!.emit('close', { preventDefault: () => undefined })
    await rest()
    expect([electron.asked.length, electron.windows[0]!.visible]).toEqual([0, false])
  })

  it('loads a page that crashed again, a few times', async () => {
    const { electron } = await started()
    const window = electron.windows[0]!
    for (let crash = 0; crash < 6; crash += 1)
      (window.webContents as unknown as { emit(event: string): void }).emit('render-process-gone')
    expect(window.loads).toBe(4)
  })

  it('ends every child before it quits, also one that ignores the request', async () => {
    const { electron, shell } = await started()
    electron.utilities[0]!.emit('message', { t: 'fork', id: 1, child: 'engine' })
    electron.utilities[0]!.emit('message', { t: 'fork', id: 2, child: 'exchange' })
    electron.utilities[0]!.obedient = false
    electron.utilities[0]!.stubborn = true
    await rest()
    expect(electron.quit()).toBe(true)
    await rest()
    expect({
      alive: electron.utilities.filter(({ alive }) => alive).length,
      left: shell.childCount,
      quits: electron.quits,
      tray: electron.tray.destroyed,
    }).toEqual({
      alive: 0,
      left: 0,
      quits: 1,
      tray: true,
    })
  })

  it('answers a fork that comes while it quits with an exit, so that the core does not wait for it', async () => {
    const { electron } = await started()
    const core = electron.utilities[0]!
    core.obedient = false
    electron.quit()
    core.emit('message', { t: 'fork', id: 3, child: 'engine' })
    expect(core.sent.at(-1)?.message).toEqual({ t: 'exited', id: 3, code: null, words: '' })
    expect(electron.utilities).toHaveLength(1)
    core.end(0)
    await rest()
    expect(electron.quits).toBe(1)
  })

  it('passes on how far a migration is, to the terminal and to the tray', async () => {
    const { electron, told } = await started()
    electron.utilities[0]!.emit('message', { t: 'busy', task: 'migrating', text: 'step 1 of 2 (units)' })
    expect(told).toContain('note: step 1 of 2 (units)')
    expect(electron.tray.text).toBe('step 1 of 2 (units)')
  })

  it('quits cleanly while the page is still loading', async () => {
    let fail: (error: Error) => void = () => undefined
    const electron = new FakeElectron()
    electron.prepareWindow = (window) => (window.loadURL = () => new Promise((_resolve, reject) => (fail = reject)))
    const told: string[] = []
    const shell = new Shell({
      electron: electron.api,
      clock,
      log,
      paths,
      isPackaged: true,
      onReady: () => told.push('ready'),
      onFailed: (message) => told.push(message),
      onNote: () => undefined,
    })
    const starting = shell.start()
    await rest()
    electron.quit()
    await rest()
    fail(new Error('ERR_ABORTED'))
    expect([await starting, told, electron.quits, shell.childCount]).toEqual([true, [], 1, 0])
  })

  it('ends what it started when the page cannot be loaded', async () => {
    const electron = new FakeElectron()
    electron.prepareWindow = (window) => (window.loadError = new Error('ERR_FILE_NOT_FOUND'))
    const shell = new Shell({
      electron: electron.api,
      clock,
      log,
      paths,
      isPackaged: true,
      onReady: () => undefined,
      onFailed: () => undefined,
      onNote: () => undefined,
    })
    await expect(shell.start()).rejects.toThrow('ERR_FILE_NOT_FOUND')
    expect(shell.childCount).toBe(0)
  })
})
