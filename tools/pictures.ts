/**
 * `npm run pictures`: the README's pictures anew, light and dark, of the built console over a Fake core with invented
 * figures of practice. Needs a Chromium and `npm run build`. Each is at most 200 kB, or the command fails.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { chromium, type Page } from '@playwright/test'

import { CHROMIUM_FLAGS, findChromium } from '../test/e2e/browser.ts'
import { hashOf, type PageName } from '../test/e2e/page-names.ts'
import { startFakeServer } from '../test/support/fake-server.ts'

const ROOT = resolve(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'docs/pictures')
const BYTES_MAX = 200_000
const SHOWN: readonly PageName[] = ['home', 'exam', 'earnings']
const WINDOW = { width: 1_280, height: 800 }

/** In the page: it is this one, has its sentence, nothing loads, and its letters are there. */
const ready = (name: PageName): string => `
  document.title.toLowerCase().startsWith('${name}') &&
  !/Reading|Connecting/.test(document.querySelector('h1')?.textContent ?? 'Reading') &&
  document.querySelector('.bone') === null && document.fonts.status === 'loaded'`

async function shoot(page: Page, url: string, name: PageName, theme: string): Promise<void> {
  await page.goto(`${url}${hashOf(name)}`)
  await page.waitForFunction(ready(name))
  const path = join(FOLDER, `${name}-${theme}.png`)
  await page.screenshot({ path, animations: 'disabled' })
  const { size } = statSync(path)
  console.log(`docs/pictures/${name}-${theme}.png  ${(size / 1_000).toFixed(0)} kB`)
  if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, more than ${BYTES_MAX}.`)
}

const executablePath = findChromium()
const problem =
  executablePath === undefined
    ? 'There is no Chromium on this machine; set STOKER_CHROMIUM.'
    : existsSync(join(ROOT, 'out/renderer/index.html'))
      ? null
      : 'The screens are not built: npm run build.'
if (problem !== null || executablePath === undefined) {
  console.error(problem)
  process.exit(1)
}
mkdirSync(FOLDER, { recursive: true })
const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] })
try {
  for (const theme of ['light', 'dark'] as const) {
    // A world of its own each: what a page changes stays in it. The theme is a setting of the core.
    const server = await startFakeServer({ scenario: 'busy', theme })
    const context = await browser.newContext({
      viewport: WINDOW,
      colorScheme: theme,
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    })
    try {
      const page = await context.newPage()
      for (const name of SHOWN) await shoot(page, server.url, name, theme)
    } finally {
      await context.close()
      await server.close()
    }
  }
} finally {
  await browser.close()
}
