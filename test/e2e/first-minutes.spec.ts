/** The first minutes: one way on that keeps its place, no old sum under a wrong value, targets large enough, nothing clipped. */
import { expect, test, type Page } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, goTo, noBrowser, openPage, PAGES } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

/** WCAG 2.2, 2.5.8; links inside a sentence are excepted there. */
const TARGET_PX = 24

const bar = (page: Page) => page.locator('.wizard-bar')

test('the first run has one main button, and it stays where it is from step to step', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'welcome')
    const places: { x: number; y: number }[] = []
    for (const name of ['Start', 'Continue', 'Use this model']) {
      const main = bar(page).getByRole('button', { name, exact: true })
      await expect(main).toBeVisible()
      // One filled button on the whole page: what else can be done is a link.
      await expect(page.locator('main button[data-variant="filled"]')).toHaveCount(1)
      const { x, y } = (await main.boundingBox())!
      places.push({ x, y })
      await page.screenshot({ path: `screenshots/first-${name.split(' ')[0]!.toLowerCase()}.png` })
      if (name !== 'Use this model') await main.click()
    }
    expect(places[1]).toEqual(places[0])
    expect(places[2]).toEqual(places[0])
    await expectAccessible(page, 'the first run')
  } finally {
    await server.close()
  }
})

test('a value that is none clears the sums that were drawn from it', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'market')
    const ask = page.getByRole('textbox', { name: /My ask/ })
    const facts = page.locator('form .facts')
    await expect(facts).toContainText('0.38')
    const place = await facts.boundingBox()
    for (const wrong of ['abc', '0', '', '0.4.1']) {
      await ask.fill(wrong)
      await expect(facts).not.toContainText(/\d/)
    }
    await ask.fill('abc')
    expect((await facts.boundingBox())!.x).toBe(place!.x)
    await ask.fill('1')
    await expect(facts).toContainText('0.95')
    await expect(facts).not.toContainText('0.38')
  } finally {
    await server.close()
  }
})

/** Buttons, fields and links that stand for themselves, smaller than a fingertip and with another one too near. */
const small = (page: Page): Promise<string[]> =>
  page.evaluate((least) => {
    const inSentence = (node: Element): boolean =>
      node.tagName === 'A' &&
      [...(node.parentElement?.childNodes ?? [])].some(
        (each) => each.nodeType === Node.TEXT_NODE && (each.textContent ?? '').trim() !== '',
      )
    return [...document.querySelectorAll('a[href], button, input, select, summary, [role="button"], [role="slider"]')]
      .filter(
        (node) => node.checkVisibility() && !node.matches('.skip, .visually-hidden, [type="radio"], [type="checkbox"]'),
      )
      .filter((node) => !inSentence(node))
      .map((node) => ({ node, box: node.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 1 && (box.height < least - 0.5 || box.width < least - 0.5))
      .map(
        ({ node, box }) =>
          `${node.tagName} "${(node.textContent ?? '').slice(0, 24)}" ${node.className} ${box.width.toFixed(0)} × ${box.height.toFixed(0)}`,
      )
      .slice(0, 5)
  }, TARGET_PX)

/** Texts whose own box hides a part of them, other than by an ellipsis that a title completes. */
const clipped = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('main h1, main h2, main button, main dd, main dt, main p, nav a, main label')]
      .filter((node) => node.checkVisibility() && !node.classList.contains('visually-hidden'))
      .filter((node) => {
        const { overflowX, overflowY } = getComputedStyle(node)
        const [wide, high] = [node.scrollWidth - node.clientWidth > 1, node.scrollHeight - node.clientHeight > 1]
        return (
          (overflowX !== 'visible' && wide && node.clientWidth > 0) ||
          (overflowY !== 'visible' && high && node.clientHeight > 0)
        )
      })
      .map((node) => `${node.tagName} "${(node.textContent ?? '').slice(0, 40)}"`)
      .slice(0, 5),
  )

for (const { what, width, text } of [
  { what: '390 px', width: 390, text: '100%' },
  { what: '200 % text', width: 1024, text: '200%' },
] as const)
  test(`${what}: nothing sticks out, is clipped, or is too small to hit`, async ({ page }) => {
    const server = await startFakeServer({ scenario: 'busy' })
    try {
      await page.setViewportSize({ width, height: 844 })
      await openPage(page, server.url, 'home')
      // As a browser's own text size does: every size of the console is relative to the root's.
      if (text !== '100%') await page.addStyleTag({ content: 'html { font-size: 175% !important }' })
      const found: Record<string, string[]> = {}
      for (const name of PAGES) {
        await goTo(page, name)
        await page.screenshot({ path: `screenshots/${name}-${width}.png`, fullPage: true, animations: 'disabled' })
        await expectNoOverflow(page, `${name} at ${what}`)
        const bad = [...(await small(page)), ...(await clipped(page))]
        if (bad.length > 0) found[name] = bad
      }
      expect(found).toEqual({})
    } finally {
      await server.close()
    }
  })
