/** A screen's file that is gone, as after an update under an open page: one reload, then words; never a loop. */
import { expect, test, type Page } from '@playwright/test'

import { startFakeServer, type FakeServer } from '../support/fake-server.ts'
import { expectAccessible, noBrowser, openPage, settled } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const CHUNK = /\/assets\/exam-page-[^/]+\.js$/
const heading = (page: Page) => page.getByRole('heading', { level: 1 })

let server: FakeServer
test.beforeEach(async () => {
  server = await startFakeServer({ scenario: 'busy' })
})
test.afterEach(() => server.close())

/** How often the page itself was loaded, other than by our own look whether the server is there. */
function countLoads(page: Page): () => number {
  let loads = 0
  page.on('request', (request) => void (loads += request.isNavigationRequest() ? 1 : 0))
  return () => loads
}
const openExam = (page: Page): Promise<void> => page.evaluate(() => void (location.hash = '#/exam'))

test('gone once: the page loads again by itself and shows the screen', async ({ page }) => {
  const loads = countLoads(page)
  // The second load of the page is that of the new version, which has the file.
  await page.route(CHUNK, (route) => (loads() < 2 ? route.fulfill({ status: 404 }) : route.continue()))
  await openPage(page, server.url, 'home')
  await openExam(page)
  await expect(page).toHaveTitle(/^Exam/)
  await settled(page)
  expect(loads()).toBe(2)
  expect(page.url()).toContain('#/exam')
})

test('gone for good: one load, then what to do, and the other screens work', async ({ page }) => {
  const loads = countLoads(page)
  await page.route(CHUNK, (route) => route.fulfill({ status: 404 }))
  await openPage(page, server.url, 'home')
  await openExam(page)
  await expect(heading(page)).toHaveText('This page is missing on the rig.')
  await expect(page.getByText('npm run build')).toBeVisible()
  expect(loads()).toBe(2)
  await expectAccessible(page, 'a missing screen')
  await page.screenshot({ path: 'screenshots/screen-missing.png' })
  await page.getByRole('link', { name: 'Home' }).click()
  await expect(page).toHaveTitle(/^Home/)
  expect(loads()).toBe(2)
})

test('no server: the page stays, and a try brings the screen once it answers', async ({ page }) => {
  const loads = countLoads(page)
  await openPage(page, server.url, 'home')
  let isAway = true
  await page.route('**/*', (route) => (isAway ? route.abort() : route.continue()))
  await openExam(page)
  await expect(heading(page)).toContainText('the rig does not answer')
  await page.screenshot({ path: 'screenshots/screen-unreachable.png' })
  expect(loads()).toBe(1)
  isAway = false
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page).toHaveTitle(/^Exam/)
  await settled(page)
})
