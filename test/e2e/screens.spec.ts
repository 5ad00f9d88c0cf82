/**
 * Every screen over a Fake core: light and dark, wide and narrow, empty and full; pictures go to screenshots/, axe
 * finds nothing, nothing overflows.
 */
import { readFile } from 'node:fs/promises'

import { expect, test, type Page } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, goTo, noBrowser, openPage, PAGES, settled } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const THEMES = ['light', 'dark'] as const
const SIZES = { narrow: { width: 900, height: 1000 }, wide: { width: 1440, height: 900 } } as const

/** The whole page; with a drawer open only what a person sees of it. */
const shoot = (page: Page, name: string, fullPage = true) =>
  page.screenshot({ path: `screenshots/${name}.png`, fullPage, animations: 'disabled' })

/** Console errors are bugs: a failed request, a React warning, a blocked style. */
function collectErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  return errors
}

/**
 * Every page once: a picture and no overflow at each size, axe once. The console is loaded once and walked through by
 * its hash.
 */
async function walk(
  page: Page,
  scenario: 'busy' | 'empty',
  theme: (typeof THEMES)[number],
  sizes: readonly (keyof typeof SIZES)[],
): Promise<void> {
  const server = await startFakeServer({ scenario })
  const errors = collectErrors(page)
  try {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await openPage(page, server.url, 'home')
    for (const [index, size] of sizes.entries()) {
      await page.setViewportSize(SIZES[size])
      for (const name of PAGES) {
        await goTo(page, name)
        await shoot(page, `${name}-${scenario}-${theme}-${size}`)
        await expectNoOverflow(page, `${name} ${scenario} ${size}`)
        if (index === 0) await expectAccessible(page, `${name} ${scenario} ${theme}`)
      }
    }
    expect(errors).toEqual([])
  } finally {
    await server.close()
  }
}

for (const theme of THEMES)
  test(`busy, ${theme}, wide and narrow`, ({ page }) => walk(page, 'busy', theme, ['wide', 'narrow']))
test('empty, light, wide', ({ page }) => walk(page, 'empty', 'light', ['wide']))
test('empty, dark, narrow', ({ page }) => walk(page, 'empty', 'dark', ['narrow']))

test.describe('other states', () => {
  test('error: every page says what is wrong and offers to read again', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'error' })
    try {
      for (const name of ['home', 'models', 'exam', 'market', 'jobs', 'earnings'] as const) {
        await page.goto(`${server.url}#/${name === 'home' ? '' : name}`)
        await expect(page).toHaveTitle(new RegExp(`^${name}`, 'i'))
        await expect(page.getByText('The ledger could not be read').first()).toBeVisible()
        await expect(page.getByRole('button', { name: 'Read again' }).first()).toBeVisible()
        if (name === 'home' || name === 'market') await shoot(page, `${name}-error-light-wide`)
      }
      await expectAccessible(page, 'error state')
    } finally {
      await server.close()
    }
  })

  test('stale: live values turn grey and say as of when', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'stale' })
    try {
      await openPage(page, server.url, 'home')
      await expect(page.locator('#content')).toHaveAttribute('data-stale', 'true', { timeout: 60_000 })
      await expect(page.getByText(/^as of \d\d:\d\d:\d\d/).first()).toBeVisible()
      await shoot(page, 'home-stale-light-wide')
      await expectAccessible(page, 'stale state')
    } finally {
      await server.close()
    }
  })

  test('offline: says so, keeps the figures, comes back by itself', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy' })
    const port = Number(new URL(server.url).port)
    await openPage(page, server.url, 'home')
    const sentence = await page.locator('h1').textContent()
    await server.close()
    await expect(page.getByText('Not connected to the core.')).toBeVisible()
    await expect(page.locator('h1')).toHaveText(sentence ?? '')
    await shoot(page, 'home-offline-light-wide')
    const again = await startFakeServer({ scenario: 'busy', port })
    try {
      await expect(page.getByText('Not connected to the core.')).toBeHidden({ timeout: 60_000 })
    } finally {
      await again.close()
    }
  })

  test('another contract after a reconnect asks for a reload', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy', contractHash: 'old' })
    await openPage(page, server.url, 'home')
    await server.close()
    const newer = await startFakeServer({
      scenario: 'busy',
      contractHash: 'new',
      port: Number(new URL(server.url).port),
    })
    try {
      await expect(page.getByRole('button', { name: 'Reload' })).toBeVisible({ timeout: 60_000 })
    } finally {
      await newer.close()
    }
  })

  test('not signed in: the page says how to get a link, and a used code is explained and wiped', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy', loggedIn: false })
    try {
      await page.goto(`${server.url}#code=abcdefgh12345678`)
      await expect(page.getByText('used already or is older than ten minutes')).toBeVisible()
      await expect(page.getByText('npm run -s stoker -- link').first()).toBeVisible()
      expect(page.url()).not.toContain('code')
      await expectAccessible(page, 'login')
      await shoot(page, 'login-light-wide')
    } finally {
      await server.close()
    }
  })

  test('running exam, its items, a job and its receipt as a file', async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy', examRunning: true })
    try {
      await openPage(page, server.url, 'exam')
      await shoot(page, 'exam-running-light-wide')
      await page.locator('.items button').nth(3).click()
      await expect(page.getByRole('dialog')).toContainText('Expected')
      await expectAccessible(page, 'item drawer')
      await shoot(page, 'exam-item-light-wide', false)
      await page.keyboard.press('Escape')
      await openPage(page, server.url, 'jobs')
      await page.locator('.row-btn').nth(4).click()
      await expect(page.getByRole('dialog')).toContainText('Verification')
      await expectAccessible(page, 'job drawer')
      await shoot(page, 'jobs-drawer-light-wide', false)
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save receipt' }).click(),
      ])
      expect(file.suggestedFilename()).toMatch(/^job_.*\.receipt\.json$/)
      const saved: unknown = JSON.parse(await readFile(await file.path(), 'utf8'))
      expect(saved).toMatchObject({ v: 1, claim: { v: 1 }, exchangeSig: expect.any(String) })
    } finally {
      await server.close()
    }
  })
})

test('settings of a deployment: a wrong figure is told at the field, too little memory in the core’s own words', async ({
  page,
}) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'models')
    const form = page.getByRole('form', { name: 'Load Qwen 2.5 7B Instruct' })
    await form.getByText('Settings of the deployment').click()
    await expect(form.getByPlaceholder('chosen for this machine')).toHaveCount(6)
    await form.getByLabel('Slots').fill('many')
    await expect(form.getByText('A whole number from 1 to 64, or empty.')).toBeVisible()
    await expect(form.getByRole('button', { name: 'Load', exact: true })).toBeDisabled()
    await form.getByLabel('Slots').fill('64')
    await form.getByLabel('Context').fill('32768')
    await form.getByRole('button', { name: 'Load', exact: true }).click()
    await expect(form.getByRole('alert')).toContainText(
      'Not enough memory for 64 slots of 32768 tokens. Use fewer slots',
    )
    await expect(form.getByRole('button', { name: 'Load with one slot of 32,768 tokens instead' })).toBeVisible()
    await expectAccessible(page, 'settings of a deployment')
    await shoot(page, 'models-settings-light-wide')
  } finally {
    await server.close()
  }
})

test('jobs: rows out of sight are not drawn, scrolling reaches the oldest, an id is found', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'jobs')
    const rows = page.locator('tbody tr[data-index]')
    const table = page.locator('table')
    await expect(table).toHaveAttribute('aria-rowcount', '51')
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 3_000)
        return page.locator('tbody tr[data-index="119"]').count()
      })
      .toBe(1)
    await expect(table).toHaveAttribute('aria-rowcount', '121')
    expect(await rows.count()).toBeLessThan(70)
    const id = await rows.last().getByRole('button').getAttribute('title')
    await page.getByLabel('Job whose id begins with').fill(id!)
    await expect(rows).toHaveCount(1)
    await expect(rows.getByRole('button')).toHaveAttribute('title', id!)
  } finally {
    await server.close()
  }
})

test('earnings: running sums and the table behind the chart', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'earnings')
    const chart = page.getByRole('region', { name: 'Income and electricity by hour' })
    await chart.getByText('cumulative').click()
    await expect(chart.getByText('Dashed: held, not yet released')).toBeVisible()
    await expectAccessible(page, 'running sums')
    await shoot(page, 'earnings-cumulative-light-wide')
    await chart.getByText('table', { exact: true }).click()
    for (const head of [
      'text-nano available, practice credits',
      'text-nano held, practice credits',
      'Electricity, EUR',
      'Electricity, running sum',
    ])
      await expect(chart.getByRole('columnheader', { name: head })).toBeVisible()
    await expectNoOverflow(page, 'earnings as a table')
    await shoot(page, 'earnings-table-light-wide')
  } finally {
    await server.close()
  }
})

test('nothing sticks out on a phone, at 4K, and with text at 200 %', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'home')
    for (const [label, width, height, text] of [
      ['phone', 400, 800, ''],
      ['4k', 3_840, 2_160, ''],
      ['text200', 1_440, 900, '28px'],
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.evaluate((size) => void (document.documentElement.style.fontSize = size), text)
      for (const name of PAGES) {
        await goTo(page, name)
        await expectNoOverflow(page, `${name}, ${label}`)
        if ((name === 'home' || name === 'earnings') && label !== '4k') await shoot(page, `${name}-busy-light-${label}`)
      }
    }
  } finally {
    await server.close()
  }
})

test('keyboard: digits, skip link, palette, shortcuts, space, and no page key while typing', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'home')
    for (const [digit, title] of [
      ['2', 'Models'],
      ['3', 'Exam'],
      ['4', 'Market'],
      ['5', 'Jobs'],
      ['6', 'Earnings'],
      ['7', 'Settings'],
      ['1', 'Home'],
    ] as const) {
      await page.keyboard.press(digit)
      await expect(page).toHaveTitle(new RegExp(`^${title}`))
    }
    await settled(page)
    await page.keyboard.press('Space')
    await expect(page.getByRole('button', { name: /Resume listing/ })).toBeVisible()
    await page.keyboard.press('Space')
    await expect(page.getByRole('button', { name: /Pause listing/ })).toBeVisible()

    await page.keyboard.press('Control+k')
    await expect(page.getByRole('combobox', { name: 'Search commands' })).toBeFocused()
    await expectAccessible(page, 'palette')
    await shoot(page, 'palette-light-wide')
    await page.keyboard.type('go mark')
    await page.keyboard.press('Enter')
    await expect(page).toHaveTitle(/^Market/)

    const ask = page.getByRole('textbox', { name: /My ask/ })
    await ask.click()
    await ask.fill('')
    await page.keyboard.type('0.5 1')
    await expect(page).toHaveTitle(/^Market/)
    await expect(ask).toHaveValue('0.5 1')

    await page.locator('#content').focus()
    await page.keyboard.press('?')
    await expect(page.getByRole('dialog')).toContainText('Pause or resume the listing')
    await page.keyboard.press('Escape')

    await page.reload()
    await settled(page)
    await page.keyboard.press('Tab')
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.locator('#content')).toBeFocused()
  } finally {
    await server.close()
  }
})
