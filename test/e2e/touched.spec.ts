/**
 * Screens in states of their own: a sale that Stoker stopped, core dumps that are on, and the pages of copies and asks for
 * a viewer elsewhere, on a phone too.
 */
import { expect, test } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, goTo, noBrowser, openPage } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const PHONE = { width: 390, height: 844 }

for (const theme of ['light', 'dark'] as const)
  test(`a sale that Stoker stopped says why, and is resumed by hand, ${theme}`, async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy', stopped: true })
    try {
      await page.emulateMedia({ colorScheme: theme })
      await openPage(page, server.url, 'market')
      await expect(page.getByText('tried with a short answer').first()).toBeVisible()
      await expectAccessible(page, `stopped ${theme}`)
      await page.screenshot({ path: `screenshots/market-stopped-${theme}-wide.png`, fullPage: true })
      await page.setViewportSize(PHONE)
      await expectNoOverflow(page, `stopped ${theme}`)
      await page.screenshot({ path: `screenshots/market-stopped-${theme}-phone.png`, fullPage: true })
      await goTo(page, 'settings')
      await expect(page.getByText('Core dumps are on')).toBeVisible()
      await expectNoOverflow(page, `core dumps ${theme}`)
      await page.screenshot({ path: `screenshots/settings-dumps-${theme}-phone.png`, fullPage: true })
      await goTo(page, 'market')
      await page.getByRole('button', { name: 'Sell again' }).click()
      await expect(page.getByRole('button', { name: 'Sell again' })).toHaveCount(0)
    } finally {
      await server.close()
    }
  })

test.describe('in German, in Sydney', () => {
  test.use({ locale: 'de-DE', timezoneId: 'Australia/Sydney' })
  test('copies and asks fit, and their times are the viewer’s', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy' })
    try {
      for (const name of ['backup', 'market', 'settings', 'jobs'] as const) {
        await page.setViewportSize({ width: 1440, height: 900 })
        await openPage(page, server.url, name)
        await page.screenshot({ path: `screenshots/${name}-sydney-light-wide.png`, fullPage: true })
        await page.setViewportSize(PHONE)
        await expectNoOverflow(page, `${name} in German, on a phone`)
        await page.screenshot({ path: `screenshots/${name}-sydney-light-phone.png`, fullPage: true })
      }
    } finally {
      await server.close()
    }
  })
})
