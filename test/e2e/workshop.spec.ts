/**
 * `npm run dev:web`: pages come up from the sources, an edit shows without a reload, a scene is switched and changed
 * without a restart.
 */
import { expect as expectSoon, test, type Page } from '@playwright/test'

import { startWorkshop } from '../support/workshop.ts'
import { expectNoOverflow, noBrowser } from './pages.ts'

/** Pages from sources are some two hundred requests each; on a busy machine that takes longer than a built page. */
const expect = expectSoon.configure({ timeout: 30_000 })

test.skip(noBrowser() !== null, noBrowser() ?? '')

/** A mark that only a new load of the page removes. */
const mark = (page: Page) => page.evaluate(() => void (document.body.dataset['mark'] = 'kept'))
const marked = (page: Page) => page.evaluate(() => document.body.dataset['mark'] ?? 'gone')

/**
 * Would this page hear that another one stored a theme? Two pages that hear each other switch to and fro without end.
 */
const hearsStorage = (page: Page) =>
  page.evaluate(() => {
    let heard = false
    addEventListener('storage', () => (heard = true), { once: true })
    dispatchEvent(
      new StorageEvent('storage', { key: 'mantine-color-scheme-value', newValue: 'light', storageArea: localStorage }),
    )
    return heard
  })

test('hot reload, scenes, themes and parts', async ({ page }) => {
  const workshop = await startWorkshop()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  try {
    await page.goto(`${workshop.url}scene/busy/dark/#/`)
    await expect(page.locator('h1')).toContainText('Serving text-nano at 0.41')
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
    expect(await hearsStorage(page), 'each page keeps its own theme').toBe(false)
    await page.screenshot({ path: 'screenshots/workshop-busy-dark.png' })

    await mark(page)
    workshop.edit('src-renderer/shell/status.tsx', '<b>{realm}:</b>', '<b>{realm}, edited:</b>')
    await expect(page.getByText('practice, edited:')).toBeVisible()
    expect(await marked(page), 'an edited component comes in without a reload').toBe('kept')

    workshop.edit('test/support/fake-core/home-state.ts', "instrument: 'text-nano',", "instrument: 'an edited scene',")
    await expect(page.locator('h1')).toContainText('Serving an edited scene at 0.41')

    await page.goto(`${workshop.url}?scene=busy&screen=market&theme=both`)
    const frame = (scene: string, theme: string) => page.frameLocator(`iframe[title="${scene}, market, ${theme}"]`)
    await expect(frame('busy', 'light').getByRole('button', { name: 'Pause', exact: true })).toBeVisible()
    await page.getByRole('link', { name: 'Draining' }).click()
    const both = [frame('draining', 'light'), frame('draining', 'dark')]
    for (const one of both) await expect(one.getByText(/^2 accepted jobs are still being finished/)).toBeVisible()
    const themes = () => Promise.all(both.map((one) => one.locator('html').getAttribute('data-mantine-color-scheme')))
    await expect.poll(themes).toEqual(['light', 'dark'])
    await page.screenshot({ path: 'screenshots/workshop-index.png' })

    await page.goto(`${workshop.url}parts`)
    await expect(
      page.getByRole('region', { name: 'Income and electricity' }).locator('.recharts-bar').first(),
    ).toBeVisible()
    await expectNoOverflow(page, 'the parts')
    await page.screenshot({ path: 'screenshots/workshop-parts.png', fullPage: true })
    expect(errors).toEqual([])
  } finally {
    await workshop.stop()
  }
})
