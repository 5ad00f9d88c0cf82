/**
 * The real window: Electron from node_modules, the built shell, its preload and utility processes. Written against the
 * documented APIs of Electron 45 and Playwright 1.65 on a machine that could not fetch Electron's binary, so it has not
 * run there; page.spec.ts and ../bundles.test.ts show the rest.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { _electron, expect, test, type ElectronApplication, type Page } from '@playwright/test'

import { ensureBuilt, ROOT } from '../../support/built.ts'
import { isAlive, processes } from '../../support/processes.ts'

const PACKAGE = join(ROOT, 'node_modules', 'electron')

/** The binary its package names in path.txt; null when it was not fetched. */
function binary(): string | null {
  try {
    const path = join(PACKAGE, 'dist', readFileSync(join(PACKAGE, 'path.txt'), 'utf8'))
    return existsSync(path) ? path : null
  } catch {
    return null
  }
}

function missing(): string | null {
  if (binary() === null) return 'Electron’s binary is not in node_modules/electron/dist; its own install.js fetches it'
  if (process.platform !== 'linux') return null
  if ((process.env['DISPLAY'] ?? '') === '' && (process.env['WAYLAND_DISPLAY'] ?? '') === '')
    return 'there is no display; xvfb-run gives one'
  // Stoker never adds --no-sandbox, and Chromium refuses root without it.
  return process.getuid?.() === 0 ? 'Chromium’s sandbox does not run as root' : null
}
test.skip(missing() !== null, missing() ?? '')
test.describe.configure({ mode: 'serial' })

let dir: string
let app: ElectronApplication
let page: Page
/** For the app and for a second instance: the same folder, no colours of the test runner. */
const environment = (): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ),
  STOKER_DATA: join(dir, 'rig'),
})

/** Everything below `pid`, children of children too. */
function below(pid: number): number[] {
  const all = processes()
  const found = [pid]
  for (const parent of found) found.push(...all.filter((each) => each.parent === parent).map((each) => each.pid))
  return found.slice(1)
}

test.beforeAll(async () => {
  ensureBuilt()
  dir = mkdtempSync(join(tmpdir(), 'stoker-window-'))
  // The repository's folder, as `npm start` gives it: package.json names the app and its entry.
  app = await _electron.launch({ args: [ROOT], cwd: ROOT, env: environment(), chromiumSandbox: true })
  page = await app.firstWindow()
})

test.afterAll(async () => {
  await app.close().catch(() => undefined)
  rmSync(dir, { recursive: true, force: true })
})

test('opens its own page under its own name', async () => {
  await expect(page.getByRole('heading', { level: 1 })).toContainText('This machine can answer for others', {
    timeout: 60_000,
  })
  expect(page.url()).toMatch(/^app:\/\/stoker\/index\.html/)
  await expect(page).toHaveTitle(/Stoker/)
  const facts = await app.evaluate(({ app: own, BrowserWindow }) => ({
    name: own.getName(),
    userData: own.getPath('userData'),
    windows: BrowserWindow.getAllWindows().length,
    visible: BrowserWindow.getAllWindows()[0]!.isVisible(),
  }))
  expect(facts).toEqual({ name: 'Stoker', userData: join(dir, 'rig', 'window'), windows: 1, visible: true })
})

test('gives the page nothing of Node, no window, no address and no permission', async () => {
  const reached = await page.evaluate(async () => {
    const own = globalThis as unknown as Record<string, unknown>
    const refused = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'done',
        () => 'refused',
      )
    return {
      node: ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron'].filter(
        (name) => own[name] !== undefined,
      ),
      bridge: Object.keys(own['stoker'] as object).sort(),
      opened: window.open('https://example.org/') === null,
      fetched: await refused(fetch('https://example.org/')),
      read: await refused(
        fetch('app://stoker/..%2f..%2fpackage.json').then((answer) =>
          answer.ok ? answer.text() : Promise.reject(new Error('refused')),
        ),
      ),
      notifications: await Notification.requestPermission(),
    }
  })
  expect(reached).toEqual({
    node: [],
    bridge: ['connect', 'pathOf'],
    opened: true,
    fetched: 'refused',
    read: 'refused',
    notifications: 'denied',
  })
  const policy = await page.evaluate(async () =>
    (await fetch('app://stoker/index.html')).headers.get('content-security-policy'),
  )
  expect(policy).toContain("default-src 'none'")
  await page.evaluate(() => {
    location.href = 'https://example.org/'
  })
  // A refused navigation leaves nothing to wait for: the page still answers on its own address.
  expect(await page.evaluate(() => location.origin)).toBe('app://stoker')
})

test('says hello over a port, while nothing listens', async () => {
  const answer = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        window.addEventListener('message', (event) => {
          const port = event.data === 'stoker-port' ? event.ports[0] : undefined
          if (port === undefined) return
          port.addEventListener('message', (message) => resolve(String(message.data)))
          port.start()
          // oRPC's call as text: i its id, p its payload with u the path and b the body.
          port.postMessage(JSON.stringify({ i: '1', p: { u: '/app/hello', b: {} } }))
        })
        ;(window as unknown as { stoker: { connect(): void } }).stoker.connect()
      }),
  )
  expect(JSON.parse(answer)).toMatchObject({
    i: '1',
    p: { b: { json: { mode: 'desktop', realm: 'practice', dataDir: join(dir, 'rig'), exchangeUrl: null } } },
  })
})

test('comes back after a reload, with the core still there', async () => {
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText(/Reading|Connecting/, { timeout: 60_000 })
  await expect(page.getByText('Not connected to the core.')).toBeHidden()
})

test('notices that its core died, and goes on with the next one', async () => {
  const core = (): Promise<number | undefined> =>
    app.evaluate(({ app: own }) => own.getAppMetrics().find(({ name }) => name === 'Stoker core')?.pid)
  const before = await core()
  expect(before).toBeGreaterThan(0)
  process.kill(before!, 'SIGKILL')
  await expect.poll(core, { timeout: 60_000 }).not.toBe(before)
  await expect.poll(core, { timeout: 60_000 }).toBeGreaterThan(0)
  await expect(page.getByText('Not connected to the core.')).toBeHidden({ timeout: 60_000 })
})

test('raises its window when a second instance is started, which then ends', async () => {
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide())
  const second = spawn(binary()!, [ROOT], { cwd: ROOT, env: environment(), stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  second.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  const [code] = (await once(second, 'close')) as [number | null]
  expect([code, said]).toEqual([0, expect.stringContaining('stoker-desktop raised')])
  await expect.poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.isVisible())).toBe(true)
})

test('leaves no process when it quits', async () => {
  test.skip(process.platform === 'win32', 'the process table is read from /proc or ps')
  const pid = app.process().pid!
  const all = [pid, ...below(pid)]
  // Main, a renderer, a core and an exchange at least.
  expect(all.length).toBeGreaterThanOrEqual(4)
  const closed = app.waitForEvent('close')
  await app.evaluate(({ app: own }) => own.quit()).catch(() => undefined)
  await closed
  await expect.poll(() => all.filter(isAlive), { timeout: 60_000 }).toEqual([])
})
