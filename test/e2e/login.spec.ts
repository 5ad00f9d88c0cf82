/**
 * Signed in in a real browser: stays so over reload, Back and further tabs; and what the browser hands to a server on
 * another port of the same host opens nothing.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test, type Page } from '@playwright/test'
import { WebSocket } from 'ws'

import { startRig } from '../support/rig.ts'
import { noBrowser, settled } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const LOGIN = 'This console opens with a link.'
const signedIn = async (page: Page): Promise<void> => {
  await settled(page)
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText(LOGIN)
}

test('a link signs in for good in this browser, and the cookie alone signs nobody in', async ({ page, context }) => {
  const dir = mkdtempSync(join(tmpdir(), 'stoker-login-'))
  const rig = await startRig({ dir, args: ['--no-practice-buyer'] })
  let collected = ''
  const other = createServer((request, response) => {
    collected = request.headers.cookie ?? ''
    response.end('<p>another server of this host</p>')
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  try {
    await page.goto(`${rig.url}/`)
    await expect(page.getByRole('heading', { level: 1 })).toContainText(LOGIN)
    await page.goto(rig.link)
    // The link changes only the fragment of an open page; a fresh one is loaded for it.
    await signedIn(page)
    await page.reload()
    await signedIn(page)
    await page.goto(`${rig.url}/#/settings`)
    await signedIn(page)
    await expect(page.getByText('this one')).toBeVisible()
    const tab = await context.newPage()
    await tab.goto(`${rig.url}/`)
    await signedIn(tab)
    // Back from another site, whatever the browser kept of the page.
    await tab.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)
    expect(collected).toMatch(/^stoker_\w+=/)
    expect(await tab.evaluate(() => localStorage.length)).toBe(0)
    await tab.goBack()
    await signedIn(tab)

    const stolen = { cookie: collected, origin: rig.url }
    expect((await fetch(`${rig.url}/auth/sessions`, { headers: { cookie: collected } })).status).toBe(401)
    const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/rpc`, { headers: stolen })
    socket.once('open', () => socket.send('{"page":""}'))
    expect((await once(socket, 'close'))[0]).toBe(4_401)

    await page.getByRole('button', { name: /^Sign out/ }).click()
    await expect(page.getByRole('heading', { level: 1 })).toContainText(LOGIN)
  } finally {
    other.close()
    await rig.stop()
    rmSync(dir, { recursive: true, force: true })
  }
})
