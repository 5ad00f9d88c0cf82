/** The Electron suite: runs wherever Electron's binary is installed, and reports itself as skipped where it is not. */
import { defineConfig } from '@playwright/test'

export default defineConfig({ testDir: 'test/desktop/e2e', outputDir: 'test-results/desktop', workers: 1, timeout: 120_000, reporter: [['list'], ['json', { outputFile: 'test-results/desktop.json' }]] })
