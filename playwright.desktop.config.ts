/**
 * The desktop suite. app.spec.ts needs Electron's binary and a display, page.spec.ts a Chromium (found as in
 * playwright.config.ts); each reports itself as skipped, with the reason, where that is missing.
 */
import { defineConfig } from '@playwright/test'

import browser from './playwright.config.ts'

export default defineConfig({
  testDir: 'test/desktop/e2e',
  outputDir: 'test-results/desktop',
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 120_000,
  expect: browser.expect ?? {},
  reporter: [['list'], ['json', { outputFile: 'test-results/desktop.json' }]],
  use: browser.use ?? {},
})
