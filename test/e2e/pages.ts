/** What the browser tests share: the pages, opening one over a Fake core, and axe. */
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

export const PAGES = ['home', 'models', 'exam', 'market', 'jobs', 'earnings', 'settings', 'welcome'] as const
export type PageName = (typeof PAGES)[number]

/** Null when there is a browser; else why the suite is skipped. */
export const noBrowser = (): string | null => ((process.env['STOKER_BROWSER'] ?? '') === '' ? 'no Chromium on this machine; set STOKER_CHROMIUM' : null)

export const hashOf = (page: PageName): string => (page === 'home' ? '#/' : `#/${page}`)

const titleOf = (page: PageName): RegExp => new RegExp(page === 'welcome' ? '^First run' : `^${page}`, 'i')

/** Goes on to another page without loading the console anew, as a click would. */
export async function goTo(page: Page, name: PageName): Promise<void> {
  await page.evaluate((hash) => void (location.hash = hash), hashOf(name))
  await expect(page).toHaveTitle(titleOf(name))
  await settled(page)
}

/** Opens a page and waits until it has its sentence and nothing is a bone any more. */
export async function openPage(page: Page, url: string, name: PageName): Promise<void> {
  await page.goto(`${url}${hashOf(name)}`)
  await settled(page)
}

export async function settled(page: Page): Promise<void> {
  await expect(page.locator('h1')).toBeVisible()
  await expect(page.getByRole('status', { name: 'loading' })).toHaveCount(0)
  await expect(page.locator('h1')).not.toContainText(/Reading|Connecting/)
}

/** WCAG 2.2 A and AA, nothing excluded. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  expect(
    violations.map(
      ({ id, nodes }) =>
        `${id} (${nodes.length}): ${nodes
          .slice(0, 3)
          .map((node) => `${node.target.join(' ')} ${(node.failureSummary ?? '').split('\n')[1] ?? ''}`)
          .join(' | ')}`,
    ),
    `axe on ${what}`,
  ).toEqual([])
}

/** Nothing may stick out sideways: a page never scrolls horizontally (tables scroll inside their own region). */
export async function expectNoOverflow(page: Page, what: string): Promise<void> {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(excess, `${what} overflows sideways`).toBeLessThanOrEqual(0)
}
