/**
 * The viewer's zone in a real browser, in hours around a change of the clocks: what the screen draws, names and saves is
 * what the core cut for that zone.
 */
import { readFile } from 'node:fs/promises'

import { expect, test, type Page } from '@playwright/test'

import { parseCsv } from '../core/earnings/parse-csv.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { expectNoOverflow, goTo, noBrowser, openPage } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

interface ZoneCase {
  zone: string
  /** As browsers spell it, which is the older way for some. */
  spelt: RegExp
  now: string
  /** Labels of the newest rows, newest first. */
  labels: string[]
  /** The newest row of the CSV. */
  startUtc: string
  startLocal: string
}

const CASES: readonly ZoneCase[] = [
  {
    zone: 'Europe/Berlin',
    spelt: /Europe\/Berlin/,
    now: '2026-10-25T01:30:00Z',
    labels: ['02:00 +01:00', '02:00 +02:00', '01:00'],
    startUtc: '2026-10-25T01:00:00Z',
    startLocal: '2026-10-25T02:00:00+01:00',
  },
  {
    zone: 'Asia/Kathmandu',
    spelt: /Asia\/Kath?mandu/,
    now: '2026-11-21T12:00:00Z',
    labels: ['17:00', '16:00', '15:00'],
    startUtc: '2026-11-21T11:15:00Z',
    startLocal: '2026-11-21T17:00:00+05:45',
  },
  {
    zone: 'Australia/Lord_Howe',
    spelt: /Australia\/Lord_Howe/,
    now: '2026-04-04T15:40:00Z',
    labels: ['02:00', '01:30', '01:00'],
    startUtc: '2026-04-04T15:30:00Z',
    startLocal: '2026-04-05T02:00:00+10:30',
  },
]

async function tableLabels(page: Page): Promise<string[]> {
  const chart = page.getByRole('region', { name: 'Income and electricity by hour' })
  await chart.getByText('table', { exact: true }).click()
  await expect(chart.getByRole('columnheader', { name: 'From' })).toBeVisible()
  return chart.locator('tbody tr td:first-child').allInnerTexts()
}

async function savedCsv(page: Page): Promise<string[][]> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV' }).click(),
  ])
  return parseCsv(await readFile(await download.path(), 'utf8'))
}

for (const { zone, spelt, now, labels, startUtc, startLocal } of CASES)
  test.describe(zone, () => {
    test.use({ timezoneId: zone })
    test('chart, table and CSV are of its clock', async ({ page }) => {
      const server = await startFakeServer({ scenario: 'busy', earnedAt: () => Date.parse(now) })
      try {
        await openPage(page, server.url, 'home')
        await expect(page.getByText(new RegExp(`today in ${spelt.source}`))).toBeVisible()
        await goTo(page, 'earnings')
        await expect(page.getByText(new RegExp(`the last 24 hours, local time \\(${spelt.source}\\)`))).toBeVisible()
        const shown = await tableLabels(page)
        expect(shown.slice(0, labels.length)).toEqual(labels)
        const [header = [], ...lines] = await savedCsv(page)
        const column = (name: string): string[] => [
          ...new Set(lines.map((line) => `${line[header.indexOf('start_utc')]} ${line[header.indexOf(name)]}`)),
        ]
        expect(column('start_local').at(-1)).toBe(`${startUtc} ${startLocal}`)
        expect(column('zone').at(-1)).toMatch(spelt)
        // One row of the table for every start in the CSV, and each begins with the hour that the CSV says.
        expect(shown.map((label) => label.slice(0, 5))).toEqual(
          column('start_local')
            .map((text) => text.slice(-14, -9))
            .reverse(),
        )
        await expectNoOverflow(page, `earnings in ${zone}`)
      } finally {
        await server.close()
      }
    })
  })

test('income is told apart by model and by deployment too', async ({ page }) => {
  const server = await startFakeServer({ scenario: 'busy' })
  try {
    await openPage(page, server.url, 'earnings')
    for (const [key, head, name] of [
      ['model', 'Model', /Stoker nano/],
      ['deployment', 'Deployment', /dep_3k9w2f7q/],
    ] as const) {
      await page.getByRole('radiogroup', { name: 'Told apart by' }).getByText(key, { exact: true }).click()
      const table = page.getByRole('table', { name: `Income by ${key}` })
      await expect(table.getByRole('columnheader', { name: head, exact: true })).toBeVisible()
      await expect(table.getByRole('cell', { name })).toBeVisible()
      const [header = [], ...lines] = await savedCsv(page)
      expect(new Set(lines.map((line) => line[header.indexOf('by')]).filter((by) => by !== ''))).toEqual(
        new Set([key, 'gpu']),
      )
    }
    await expect(
      page.getByRole('table', { name: 'Electricity by GPU' }).getByRole('cell', { name: /GPU-5f0e/ }),
    ).toBeVisible()
    await page.screenshot({ path: 'screenshots/earnings-by-deployment.png', fullPage: true, animations: 'disabled' })
  } finally {
    await server.close()
  }
})
