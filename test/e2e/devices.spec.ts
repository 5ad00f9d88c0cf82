/** Two GPUs over a Fake core: one understood, one that a game works on and about which system and engine disagree. */
import { expect, test } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, goTo, noBrowser, openPage } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const

test('two GPUs: memory and by whom, heat, power, what disagrees and what happened to them', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'several' })
  try {
    await openPage(page, server.url, 'settings')
    const card = page.getByRole('region', { name: 'GPUs', exact: true })
    const big = card.getByRole('region', { name: 'AMD Radeon RX 7900 XTX', exact: true })
    await expect(card.getByRole('region', { name: 'NVIDIA GeForce RTX 4070', exact: true })).toContainText(
      /64 °C · 143 W of 200 W/,
    )
    await expect(big).toContainText('11.2 GiB of 24.0 GiB in use')
    await expect(big).toContainText('other programs 7.9 GiB')
    await expect(big.getByRole('list', { name: /What disagrees/ })).toContainText('The engine sees 22.5 GiB free')
    await expect(big.getByRole('table')).toContainText('factorio (7731)')
    await expect(card.getByRole('list', { name: 'What happened to them' })).toContainText('is at 89 °C')
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme })
      for (const [name, size] of Object.entries(SIZES)) {
        await page.setViewportSize(size)
        await expectNoOverflow(page, `GPUs ${theme} ${name}`)
        await card.screenshot({ path: `screenshots/gpus-${theme}-${name}.png`, animations: 'disabled' })
      }
      await expectAccessible(page, `GPUs ${theme}`)
    }
    await goTo(page, 'exam')
    await expect(page.getByText('1,940 MiB of the model lay in main memory meanwhile')).toBeVisible()
    await expectNoOverflow(page, 'an exam that does not stand, phone')
    await page
      .getByRole('region', { name: 'Attempts', exact: true })
      .screenshot({ path: 'screenshots/exam-void-dark-phone.png', animations: 'disabled' })
  } finally {
    await server.close()
  }
})
