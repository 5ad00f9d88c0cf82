/**
 * Home and Market in the pseudo-locales: every text of theirs comes from the catalogue, longer words fit, and right to
 * left is what it says. Pictures go to screenshots/.
 */
import { expect, test, type Page } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, noBrowser } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

/** What the rig, the exchange and the system call things: not words of ours. */
const DATA =
  /^(practice|text-nano|text-micro|code-prime|[\d.,]+ tok\/s|practice\/\S+|job_\S+|Stoker nano.*|measured over .*|throughput, all slots|EUR|Text nano|(GMT|UTC)\S*|A training grade: .*)$/

/** Pieces of text in the main part that read as plain English. */
const plainTexts = (page: Page): Promise<string[]> =>
  page.locator('main').evaluate((main) => {
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT)
    const found: string[] = []
    for (let node = walker.nextNode(); node !== null && found.length < 1_000; node = walker.nextNode()) {
      const text = node.textContent?.trim() ?? ''
      if (node.parentElement?.closest('style, svg, .kbd') === null && /[a-z]{3}/.test(text)) found.push(text)
    }
    return found
  })

for (const scenario of ['busy', 'empty'] as const)
  test(`Home and Market of a ${scenario} rig come from the catalogue alone`, async ({ page }) => {
    const server = await startFakeServer({ scenario })
    try {
      for (const name of ['home', 'market'] as const) {
        await page.goto(`${server.url}?locale=en-XA#/${name === 'home' ? '' : name}`)
        await expect(page.locator('h1')).toContainText('[')
        await expect(page.locator('.bone')).toHaveCount(0)
        const english = (await plainTexts(page)).filter((text) => !text.startsWith('[') && !DATA.test(text))
        expect(english, `${name} of a ${scenario} rig`).toEqual([])
        await expectNoOverflow(page, `${name} in long words`)
        await page.screenshot({ path: `screenshots/${name}-${scenario}-long-words.png`, fullPage: true })
      }
    } finally {
      await server.close()
    }
  })

test('right to left: the page, its words and its numbers, also after a reload without the parameter', async ({
  page,
}) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await page.goto(`${server.url}?locale=ar-XB#/`)
    await expect(page.locator('html')).toHaveAttribute('dir', 'rtl')
    await expect(page.locator('h1')).toContainText('\u202eServing')
    await expectNoOverflow(page, 'home from right to left')
    await expectAccessible(page, 'home from right to left')
    await page.screenshot({ path: 'screenshots/home-right-to-left.png', fullPage: true })
    await page.goto(`${server.url}#/market`)
    await expect(page.locator('html')).toHaveAttribute('dir', 'rtl')
    await expect(page.locator('h1')).toContainText('\u202e')
    await page.screenshot({ path: 'screenshots/market-right-to-left.png', fullPage: true })
  } finally {
    await server.close()
  }
})

test.describe('in German', () => {
  test.use({ locale: 'de-DE' })
  test('numbers and fields are German, and 1.234 is asked about', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy' })
    try {
      await page.goto(`${server.url}#/market`)
      const field = page.getByRole('textbox', { name: /^My ask/ })
      await expect(field).toHaveValue('0,41')
      await field.fill('1.234')
      const which = page.getByRole('group', { name: 'Which number is meant?' })
      await expect(which.getByRole('button')).toHaveText(['1.234,00', '1,234'])
      await expect(page.getByRole('button', { name: 'Change ask' })).toBeDisabled()
      await page.screenshot({ path: 'screenshots/market-which-number.png' })
      await which.getByRole('button', { name: '1,234', exact: true }).click()
      await expect(field).toHaveValue('1,234')
      await expect(which).toHaveCount(0)
      await expect(page.getByRole('button', { name: 'Change ask' })).toBeEnabled()
    } finally {
      await server.close()
    }
  })
})
