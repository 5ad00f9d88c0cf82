/** What the browser tests share: the pages, opening one over a Fake core, and axe. */
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

import { hashOf, type PageName } from './page-names.ts'

export { type PageName, PAGES } from './page-names.ts'

type Result = Awaited<ReturnType<AxeBuilder['analyze']>>['violations'][number]

/** Null when there is a browser; else why the suite is skipped. */
export const noBrowser = (): string | null =>
  (process.env['STOKER_BROWSER'] ?? '') === '' ? 'no Chromium on this machine; set STOKER_CHROMIUM' : null

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

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** Rows of a long table repeat the same cells; the first ones hold every kind. */
const AXE_REPEATED = 'tbody tr:nth-child(n+14)'

/**
 * The builder leaves axe in the page: on a page that was only walked on by its hash it runs there again, without
 * parsing its half megabyte anew.
 */
async function violationsOf(page: Page): Promise<Result[]> {
  if (await page.evaluate(() => 'axe' in window)) {
    return page.evaluate(
      async ([tags, repeated]) => {
        const { axe } = window as unknown as {
          axe: { run(context: unknown, options: unknown): Promise<{ violations: Result[] }> }
        }
        return (await axe.run({ exclude: [[repeated]] }, { resultTypes: ['violations'], runOnly: tags })).violations
      },
      [AXE_TAGS, AXE_REPEATED] as const,
    )
  }
  // There are no frames, so the page of its own that the other mode opens brings nothing.
  const builder = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] })
  return (await builder.withTags(AXE_TAGS).exclude(AXE_REPEATED).analyze()).violations
}

/**
 * Colours are judged at rest: what still fades in has less contrast than it will have. Endless ones (a spinner) are not
 * waited for.
 */
async function atRest(page: Page): Promise<void> {
  await expect
    .poll(() =>
      page.evaluate(
        () =>
          document
            .getAnimations()
            .filter((each) => each.playState === 'running' && each.effect?.getComputedTiming().endTime !== Infinity)
            .length,
      ),
    )
    .toBe(0)
}

/** WCAG 2.2 A and AA, nothing excluded but repeated rows. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await atRest(page)
  const violations = await violationsOf(page)
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
