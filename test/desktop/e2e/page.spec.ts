/**
 * The built page as the desktop window shows it, in an ordinary Chromium: its files and content security policy come
 * from the shell's own answers, its channel from the real shell and the built core. What this cannot show (Electron's
 * window, preload, sandbox, app:// itself) is in app.spec.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test, type Page } from '@playwright/test'

import { answerApp } from '#desktop/serve-app.ts'

import { ensureBuilt, ROOT } from '../../support/built.ts'
import { startDesktopApp, type DesktopApp } from '../../support/desktop-app.ts'
import type { FakeMessagePortMain } from '../../support/fake-message-port-main.ts'

const noBrowser = (process.env['STOKER_BROWSER'] ?? '') === ''
test.skip(noBrowser, 'no Chromium on this machine; set STOKER_CHROMIUM')

/** Stands in for app://stoker, which only Electron knows; a secure context like it. */
const ORIGIN = 'http://stoker.localhost'

interface Relay {
  relayConnect(): Promise<number>
  relaySend(id: number, data: unknown): Promise<void>
  relayClose(id: number): Promise<void>
  relayPorts: Map<number, { near: MessagePort; far: MessagePort }>
  stoker: unknown
}

/**
 * Runs in the page before its scripts, in preload's place: hands a real port over, whose other end the test relays.
 * Electron tells a port of the other end's close with a `close` event; plain Chromium does not, so it is raised here.
 */
function bridge(): void {
  const page = window as unknown as Relay
  page.relayPorts = new Map()
  page.stoker = {
    connect: async () => {
      const id = await page.relayConnect()
      const { port1: near, port2 } = new MessageChannel()
      near.addEventListener('message', (event) => void page.relaySend(id, event.data))
      near.start()
      const arrived = (event: MessageEvent): void => {
        const far = event.ports[0]!
        window.removeEventListener('message', arrived, { capture: true })
        page.relayPorts.set(id, { near, far })
        const close = far.close.bind(far)
        far.close = () => {
          void page.relayClose(id)
          close()
        }
      }
      window.addEventListener('message', arrived, { capture: true })
      window.postMessage('stoker-port', '*', [port2])
    },
    pathOf: () => '',
  }
}

async function openDesktopPage(page: Page, app: DesktopApp): Promise<{ foreign: string[] }> {
  const foreign: string[] = []
  await page.route('**', async (route) => {
    const url = new URL(route.request().url())
    if (url.origin !== ORIGIN) {
      foreign.push(url.href)
      return route.abort()
    }
    const answer = await answerApp(join(ROOT, 'out', 'renderer'), {
      method: route.request().method(),
      url: `app://stoker${url.pathname}`,
    })
    return route.fulfill({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    })
  })
  const ports = new Map<number, FakeMessagePortMain>()
  await page.exposeFunction('relayConnect', async () => {
    const port = await app.connect()
    const id = ports.size + 1
    ports.set(id, port)
    const inPage = (what: { id: number; data?: unknown; close: boolean }): void => {
      const deliver = ({ id: to, data, close }: typeof what): void => {
        const ends = (window as unknown as Relay).relayPorts.get(to)
        if (close) ends?.far.dispatchEvent(new Event('close'))
        else ends?.near.postMessage(data)
      }
      page.evaluate(deliver, what).catch(() => undefined)
    }
    port.on('message', ({ data }: { data: unknown }) => inPage({ id, data, close: false }))
    port.on('close', () => inPage({ id, close: true }))
    // Once the page has its end.
    setTimeout(() => port.start(), 50)
    return id
  })
  await page.exposeFunction('relaySend', (id: number, data: unknown) => ports.get(id)?.postMessage(data))
  await page.exposeFunction('relayClose', (id: number) => ports.get(id)?.close())
  await page.addInitScript(bridge)
  await page.goto(`${ORIGIN}/index.html`)
  return { foreign }
}

test('the built page speaks to the built core over its port, under the window’s policy', async ({ page }) => {
  ensureBuilt()
  const dir = mkdtempSync(join(tmpdir(), 'stoker-desktop-'))
  const app = await startDesktopApp(join(dir, 'rig'))
  const refused: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') refused.push(message.text())
  })
  page.on('pageerror', (error) => refused.push(error.message))
  try {
    const { foreign } = await openDesktopPage(page, app)
    await expect(page.getByRole('heading', { level: 1 })).toContainText('This machine can answer for others', {
      timeout: 60_000,
    })
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    const model = page.getByRole('radio', { name: /bundled/ })
    await expect(model).toHaveCount(1, { timeout: 60_000 })
    await page.screenshot({ path: 'screenshots/desktop-page.png' })

    // The core dies: the page asks for a channel to the next one by itself, and goes on where it was.
    const { ports } = app.fake.windows[0]!
    const before = ports.length
    process.kill(app.forked[0]!.pid!, 'SIGKILL')
    await expect.poll(() => ports.length, { timeout: 60_000 }).toBeGreaterThan(before)
    await expect(page.getByText('Not connected to the core.')).toBeHidden({ timeout: 60_000 })
    await model.check({ force: true })
    await page.getByRole('button', { name: 'Use this model', exact: true }).click()
    await expect(page.getByRole('button', { name: 'Start exam', exact: true })).toBeEnabled({ timeout: 60_000 })

    await page.reload()
    await expect(page.getByRole('button', { name: 'Start exam', exact: true })).toBeEnabled({ timeout: 60_000 })
    expect({ refused, foreign }).toEqual({ refused: [], foreign: [] })
  } finally {
    await app.quit()
    rmSync(dir, { recursive: true, force: true })
  }
})

test('the window’s policy refuses a script that is not a file of ours, and any address', async ({ page }) => {
  ensureBuilt()
  const dir = mkdtempSync(join(tmpdir(), 'stoker-desktop-'))
  const app = await startDesktopApp(join(dir, 'rig'))
  try {
    await openDesktopPage(page, app)
    await page.waitForLoadState('load')
    const tried = await page.evaluate(async () => {
      const script = document.createElement('script')
      script.textContent = 'window.injected = true'
      document.head.append(script)
      const fetched = await fetch('https://example.org/').then(
        () => 'fetched',
        () => 'refused',
      )
      return { injected: (window as unknown as { injected?: boolean }).injected ?? false, fetched }
    })
    expect(tried).toEqual({ injected: false, fetched: 'refused' })
  } finally {
    await app.quit()
    rmSync(dir, { recursive: true, force: true })
  }
})
