/**
 * Earnings over a year of real rows (two grades, three models, an outage, an ask war, a price drop, held money): what
 * the screen says adds up, the view lives in the address, old figures keep their words. Pictures go to screenshots/.
 */
import { readFile } from 'node:fs/promises'

import { expect, test, type Page } from '@playwright/test'

import { type EarnedYear, earnedYear } from '../support/earned-year.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, noBrowser, settled } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')
test.use({ timezoneId: 'Europe/Berlin' })

let year: EarnedYear
let server: FakeServer
let seriesAfter: () => Promise<void> = () => Promise.resolve()
test.beforeAll(async () => {
  year = earnedYear()
  server = await startFakeServer({ scenario: 'busy', year, seriesAfter: () => seriesAfter() })
})
test.afterAll(async () => {
  await server.close()
  year.close()
})

async function open(page: Page, search: string, locale = 'en-GB'): Promise<void> {
  // The address has room for one search: the tab remembers the locale from the first page.
  await page.goto(`${server.url}?locale=${locale}#/`)
  await settled(page)
  await page.goto(`${server.url}#/earnings${search}`)
  await settled(page)
  await expect(page.locator('svg [data-series="available"]').first()).toBeAttached()
}

const tile = (page: Page, name: string) => page.getByRole('region', { name })
/** The figures of a tile by their names, as numbers. */
const figures = (page: Page, name: string): Promise<Record<string, number>> =>
  tile(page, name)
    .locator('dl > div')
    .evaluateAll((rows) =>
      Object.fromEntries(
        rows.map((row) => [
          row.querySelector('dt')?.textContent ?? '',
          Number((row.querySelector('dd')?.textContent ?? '').replaceAll(',', '').replace('−', '-')),
        ]),
      ),
    )

test('the tiles add up: earned less electricity is the headline, and the causes sum to the change', async ({
  page,
}) => {
  await open(page, '?span=30d')
  const left = await figures(page, 'How much is left?')
  const value = (name: string): number => {
    const found = left[name]
    if (found === undefined) throw new Error(`${name} is not among ${Object.keys(left).join(', ')}`)
    return found
  }
  expect(value('sold') + value('fee')).toBeCloseTo(value('earned'), 3)
  expect(value('of it available') + value('of it held')).toBeCloseTo(value('earned'), 3)
  const net = value('earned') + value('electricity, idle included, EUR')
  await expect(page.locator('h1')).toContainText(net.toFixed(2))
  const causes = Object.values(await figures(page, 'Why did it change?'))
  const change = Number(
    (await tile(page, 'Why did it change?').locator('.big').innerText()).split(' ')[0]!.replace('−', '-'),
  )
  expect(causes).toHaveLength(5)
  expect(causes.reduce((sum, each) => sum + each, 0)).toBeCloseTo(change, 3)
  // The table behind the tiles ends in the same figure.
  const sum = page.getByRole('table', { name: 'Income by grade' }).locator('tr.sum td').last()
  expect(Number(await sum.innerText())).toBeCloseTo(value('earned'), 3)
})

test('held money changes the filling of bars, never their width or place; series are single paths', async ({
  page,
}) => {
  await open(page, '?span=30d')
  const boxes = await page.locator('svg g[data-source="text-standard"]').evaluate((group) =>
    ['available', 'held'].map((series) => {
      const path = group.querySelector(`[data-series="${series}"]`)?.getAttribute('d') ?? ''
      return [...path.matchAll(/M([\d.]+) [\d.]+h([\d.]+)/g)].map(
        (match) => [Number(match[1]), Number(match[2])] as const,
      )
    }),
  )
  const [available = [], held = []] = boxes
  expect(held.length).toBeGreaterThan(3)
  const all = [...available, ...held]
  expect(new Set(all.map(([, width]) => width)).size).toBe(1)
  // Every bar, solid or hatched, stands on the one grid of the days.
  const lefts = [...new Set(all.map(([x]) => x))].sort((a, b) => a - b)
  const steps = lefts.slice(1).map((x, index) => x - lefts[index]!)
  const step = Math.min(...steps)
  for (const each of steps) expect(Math.abs(each / step - Math.round(each / step))).toBeLessThan(0.05)
  const marks = await page
    .locator('figure.earn-plot svg')
    .first()
    .evaluate((svg) => svg.querySelectorAll('*').length)
  expect(marks).toBeLessThan(250)
})

test('a grade keeps its colour whatever else is shown', async ({ page }) => {
  await open(page, '?span=30d')
  const colourOf = (source: string) =>
    page.locator(`svg g[data-source="${source}"] [data-series="available"]`).getAttribute('fill')
  const code = await colourOf('code-standard')
  await page.getByRole('button', { name: 'text-standard', exact: true }).click()
  await expect(page).toHaveURL(/only=/)
  await expect(page.locator('svg g[data-source="text-standard"]')).toHaveCount(0)
  expect(await colourOf('code-standard')).toBe(code)
  await page.goBack()
  await expect(page.locator('svg g[data-source="text-standard"]')).toHaveCount(1)
})

test('the whole view is in the address, and Back undoes a change of it', async ({ page }) => {
  await open(page, '?first=2026-11-01&last=2026-11-20&split=model')
  await expect(page.locator('h1')).toContainText('2026-11-01 to 2026-11-20')
  await expect(page.getByRole('table', { name: 'Income by model' })).toBeVisible()
  await page.keyboard.press('[')
  await expect(page).toHaveURL(/first=2026-10-12.*last=2026-10-31/)
  await expect(page.locator('h1')).toContainText('2026-10-12 to 2026-10-31')
  await page.getByRole('radiogroup', { name: 'Show as' }).getByText('cumulative').click()
  await expect(page).toHaveURL(/show=sums/)
  await page.goBack()
  await page.goBack()
  await expect(page.locator('h1')).toContainText('2026-11-01 to 2026-11-20')
  await page.reload()
  await expect(page.locator('h1')).toContainText('2026-11-01 to 2026-11-20')
  await page.getByLabel('Last day').fill('2026-11-10')
  await expect(page.locator('h1')).toContainText('2026-11-01 to 2026-11-10')
})

test('dragging over the year chooses days', async ({ page }) => {
  await open(page, '?span=7d')
  const strip = page.locator('.brush-box')
  await strip.scrollIntoViewIfNeeded()
  const box = (await strip.boundingBox())!
  await page.mouse.move(box.x + box.width * 0.3, box.y + 10)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.5, box.y + 10, { steps: 4 })
  await page.mouse.up()
  await expect(page).toHaveURL(/first=2026-\d\d-\d\d&last=2026-\d\d-\d\d/)
  await expect(page.locator('h1')).toContainText(/in 2026-\d\d-\d\d to 2026-\d\d-\d\d/)
})

test('until the new figures are there the old ones stay under their own words, dimmed', async ({ page }) => {
  await open(page, '?span=7d')
  const before = await page.locator('h1').innerText()
  let letGo = (): void => undefined
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  seriesAfter = () => gate
  try {
    await page.getByRole('radiogroup', { name: 'Time span' }).getByText('30 d').click()
    await expect(page).toHaveURL(/span=30d/)
    await expect(page.locator('.old-figures h1')).toHaveText(before)
    await expect(page.locator('.old-figures').last()).toHaveAttribute('aria-busy', 'true')
    expect(await page.locator('main').innerText()).not.toContain('the last 30 days')
  } finally {
    seriesAfter = () => Promise.resolve()
    letGo()
  }
  await expect(page.locator('h1')).toContainText('the last 30 days')
  await expect(page.locator('.old-figures')).toHaveCount(0)
})

test('every chart has its table and files; arrow keys say a bucket', async ({ page }) => {
  await open(page, '?span=30d')
  const walk = page.getByRole('slider')
  await walk.focus()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await expect(walk).toHaveAttribute('aria-valuetext', /27 Nov: text-standard .*electricity, idle included .* EUR, net/)
  for (const [what, first] of [
    ['hours of the week', 'weekday,hour,zone'],
    ['held money', 'release_date,zone'],
    ['listed and served', 'start_utc,end_utc'],
    ['chart by day', 'row,venue,realm'],
  ] as const) {
    const [csv] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: `${what} as CSV` }).click(),
    ])
    expect((await readFile(await csv.path(), 'utf8')).startsWith(first)).toBe(true)
    const [svg] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: `${what} as SVG` }).click(),
    ])
    const text = await readFile(await svg.path(), 'utf8')
    expect(text).toContain('<svg')
    // Colours are written into the file: nothing in it asks for a style sheet.
    expect(text).not.toMatch(/var\(--|class=/)
    const [png] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: `${what} as PNG` }).click(),
    ])
    expect((await readFile(await png.path())).subarray(1, 4).toString('latin1')).toBe('PNG')
  }
  await page.getByRole('button', { name: 'hours of the week as a table' }).click()
  await expect(page.getByRole('table', { name: 'Earned by hour of the week' })).toBeVisible()
  await page.getByRole('button', { name: 'listed and served as a table' }).click()
  await expect(page.getByRole('columnheader', { name: 'Busy, of listed' })).toBeVisible()
})

for (const [scheme, width, locale] of [
  ['light', 1_440, 'en-GB'],
  ['dark', 1_440, 'en-GB'],
  ['light', 1_024, 'de-DE'],
  ['light', 390, 'en-GB'],
  ['dark', 390, 'de-DE'],
] as const)
  test(`${scheme}, ${width} px, ${locale}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme })
    await page.setViewportSize({ width, height: 900 })
    await open(page, '?span=30d', locale)
    await expect(page.getByText('Which hours pay?')).toBeVisible()
    await page.screenshot({
      path: `screenshots/earnings-year-${scheme}-${width}-${locale}.png`,
      fullPage: true,
      animations: 'disabled',
    })
    await expectNoOverflow(page, `earnings at ${width}`)
    await expectAccessible(page, `earnings, ${scheme}, ${width} px`)
  })
