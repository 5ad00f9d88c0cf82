/** Which browser the tests, the measurements and the pictures use, and with which flags. */
import { existsSync } from 'node:fs'

import { chromium } from '@playwright/test'

export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const

/** STOKER_CHROMIUM, an installed Chrome or Chromium, or Playwright's own; undefined without any. */
export const findChromium = (): string | undefined =>
  [
    process.env['STOKER_CHROMIUM'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    chromium.executablePath(),
  ].find((path) => path !== undefined && path !== '' && existsSync(path))
