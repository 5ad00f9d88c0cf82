/**
 * The import table is only worth something if a planted violation is caught, by the table and by the linter that runs
 * in `npm run check`.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { violation } from '../../tools/lint/layering.js'

const root = resolve(import.meta.dirname, '../..')
const planted = join(root, 'src-main/core/planted-for-lint-test')
afterAll(() => rmSync(planted, { recursive: true, force: true }))

describe('the import table', () => {
  it.each([
    ['src-main/core/jobs/jobs.ts', '#exchange-server/exchange.ts', false],
    ['src-main/exchange-server/routing.ts', '#core/core.ts', false],
    ['src-main/core/jobs/jobs.ts', 'better-sqlite3', false],
    ['src-main/core/jobs/jobs.api.ts', '#db/open.ts', false],
    ['src-main/lib/system-clock.ts', '#core/core.ts', false],
    ['src-main/core/home/home.ts', 'electron', false],
    ['src-main/exchange-server/api.ts', 'node-llama-cpp', false],
    ['src-main/engine/client/engine-client.ts', 'node-llama-cpp', false],
    ['src-main/venues/stoker/client.ts', '#venues/other/client.ts', false],
    ['src-renderer/features/home/Home.tsx', '#contract/app.ts', false],
    ['src-renderer/features/home/Home.tsx', '../jobs/Jobs.tsx', false],
    ['src-renderer/ui/format.ts', 'node:fs', false],
    ['src-main/server/console-http.ts', '#desktop/main.ts', false],
    ['src-main/desktop/preload.ts', '#contract/host.ts', false],
  ])('refuses %s → %s', (file, specifier, typeOnly) => {
    expect(violation(file, specifier, typeOnly)).toMatch(/must not import|only types/)
  })

  it.each([
    ['src-main/core/jobs/jobs.store.ts', '#db/db-types.ts', false],
    ['src-main/core/jobs/jobs.ts', '#db/db-types.ts', true],
    ['src-main/core/jobs/jobs.ts', '../exams/index.ts', false],
    ['src-main/engine/host/native/llama.ts', 'node-llama-cpp', false],
    ['src-main/exchange-server/exchange-entry.ts', '#books/books.ts', false],
    ['src-renderer/features/home/Home.tsx', '#contract/app.ts', true],
    ['src-renderer/features/home/Home.tsx', '#contract/money.ts', false],
    ['src-main/venues/stoker/client.ts', '#core/exchange/exchange.port.ts', false],
  ])('allows %s → %s', (file, specifier, typeOnly) => {
    expect(violation(file, specifier, typeOnly)).toBeNull()
  })

  it('is caught by the linter itself when planted in a source file', () => {
    mkdirSync(planted, { recursive: true })
    writeFileSync(
      join(planted, 'planted.ts'),
      "import { startExchange } from '#exchange-server/exchange.ts'\nexport const at = () => [startExchange, Date.now()]\n",
    )
    let output = ''
    try {
      output = execFileSync(
        process.execPath,
        [join(root, 'node_modules/oxlint/bin/oxlint'), '--config', join(root, '.oxlintrc.json'), planted],
        { cwd: root, encoding: 'utf8' },
      )
      throw new Error('the linter passed a planted violation')
    } catch (error) {
      output += (error as { stdout?: string }).stdout ?? (error as Error).message
    }
    expect(output).toContain('core must not import src-main/exchange-server/exchange.ts')
    expect(output).toContain('Date.now is ambient')
  })
})
