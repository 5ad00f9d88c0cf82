/**
 * The lint rules of our own are only worth something if a planted violation is caught, by the table and by the linter
 * that runs in `npm run check`. Violations are planted in a copy of the plugin's surroundings, never in the live tree.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { violation } from '../../tools/lint/imports.js'
import { oldWord } from '../../tools/lint/words.js'

const root = resolve(import.meta.dirname, '../..')

describe('the import table', () => {
  it.each([
    ['src-main/core/jobs/jobs.ts', '#exchange-server/exchange.ts', false],
    ['src-main/exchange-server/routing.ts', '#core/core.ts', false],
    ['src-main/core/jobs/jobs.ts', 'better-sqlite3', false],
    ['src-main/core/jobs/jobs.api.ts', '#db/open.ts', false],
    ['src-main/core/jobs/jobs.ts', '../exams/exams.store.ts', false],
    ['src-main/core/jobs/jobs.store.ts', '#core/exams/exams.store.ts', true],
    ['src-main/core/core.ts', './jobs/hand-back.ts', false],
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
    ['src-main/core/jobs/jobs.ts', './job-view.ts', false],
    ['src-main/core/jobs/jobs.ts', '#core/engine/engine.port.ts', true],
    ['src-main/core/jobs/jobs.ts', '../core-context.ts', true],
    ['src-main/core/rig-db/migrations/0010-owner.ts', '#db/db-types.ts', true],
    ['src-main/core/core.ts', '#db/open.ts', false],
    ['src-main/engine/host/native/llama.ts', 'node-llama-cpp', false],
    ['src-main/exchange-server/exchange-entry.ts', '#books/books.ts', false],
    ['src-renderer/features/home/Home.tsx', '#contract/app.ts', true],
    ['src-renderer/features/home/Home.tsx', '#contract/money.ts', false],
    ['src-main/venues/stoker/client.ts', '#core/venues/venue.port.ts', false],
  ])('allows %s → %s', (file, specifier, typeOnly) => {
    expect(violation(file, specifier, typeOnly)).toBeNull()
  })
})

describe('the words of old', () => {
  it.each([
    ['src-main/core/jobs/jobs.ts', 'DeploymentsFace', '…Service'],
    ['src-main/core/deployments/deployment-view.ts', 'createShelf', 'repository'],
    ['src-main/engine/host/scheduler/slots.ts', 'parkedBytes', 'saved prefixes'],
    ['src-main/exchange-server/exam/exam-service.ts', 'flight', 'in-flight call'],
    ['test/support/in-process-stack.ts', 'openHouse', 'in-process stack'],
  ])('%s: %s is refused', (file, name, use) => {
    expect(oldWord(file, name)).toContain(use)
  })

  it.each([
    ['src-main/exchange-server/exam/exam-service.ts', 'inFlight'],
    ['src-main/exchange-server/exchange-accounts.ts', 'openHouseAccounts'],
    ['src-renderer/ui/page.tsx', 'placeholder'],
    ['src-renderer/ui/page.tsx', 'surface'],
  ])('%s: %s is fine', (file, name) => {
    expect(oldWord(file, name)).toBeNull()
  })
})

describe('the linter', () => {
  let copy: string
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'stoker-lint-'))
    for (const path of ['tools/lint', '.oxlintrc.json', 'package.json'])
      cpSync(join(root, path), join(copy, path), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })
  afterEach(() => rmSync(copy, { recursive: true, force: true }))

  const plant = (path: string, text: string): void => {
    mkdirSync(join(copy, dirname(path)), { recursive: true })
    writeFileSync(join(copy, path), text)
  }
  /** What the linter prints about the copy; it must not pass. */
  const complaints = (): string => {
    try {
      execFileSync(process.execPath, ['node_modules/oxlint/bin/oxlint', 'src-main'], { cwd: copy, encoding: 'utf8' })
    } catch (error) {
      return (error as { stdout?: string }).stdout ?? String(error)
    }
    throw new Error('the linter passed a planted violation')
  }

  it('catches an import across rooms and ambient time', () => {
    plant(
      'src-main/core/planted/planted.ts',
      "import { startExchange } from '#exchange-server/exchange.ts'\nexport const at = () => [startExchange, Date.now()]\n",
    )
    const output = complaints()
    expect(output).toContain('core must not import src-main/exchange-server/exchange.ts')
    expect(output).toContain('Date.now is ambient')
  })

  it('catches a domain that reaches into another one', () => {
    plant('src-main/core/one/one.ts', "import { two } from '../two/two.store.ts'\nexport const one = two\n")
    plant('src-main/core/two/two.store.ts', 'export const two = 2\n')
    expect(complaints()).toContain('other domains are reached through their index.ts')
  })

  it('catches a cycle of types only', () => {
    plant('src-main/lib/one.ts', "import type { Two } from './two.ts'\nexport type One = { two: Two | null }\n")
    plant('src-main/lib/two.ts', "import type { One } from './one.ts'\nexport type Two = { one: One | null }\n")
    expect(complaints()).toMatch(/Dependency cycle|no-cycle/)
  })

  it('catches an old word in the name of a file, a type and a member', () => {
    plant('src-main/lib/shelf.ts', 'export interface ClockFace {\n  readonly outlet: string\n}\n')
    const output = complaints()
    expect(output).toContain('"shelf" uses a word of our own')
    expect(output).toContain('"ClockFace" uses a word of our own')
    expect(output).toContain('"outlet" uses a word of our own')
  })

  it('catches a sentence that is thrown, one in an error value, and an error made by hand', () => {
    plant(
      'src-main/core/planted/planted.ts',
      [
        "import { refuse, StokerError } from './refuse.ts'",
        'export function thrown(): never {',
        "  throw refuse('This model is not in the list; import it first.')",
        '}',
        'export const spoken = (count: number) => ({ code: "CONFLICT", message: `There are ${count} of them.`, data: {} })',
        "export const made = () => new StokerError('CONFLICT', 'not-a-sentence')",
        '',
      ].join('\n'),
    )
    const output = complaints()
    expect(output).toContain('a sentence is thrown')
    expect(output).toContain('an error value holds a sentence')
    expect(output).toContain('a StokerError made by hand')
  })

  it('leaves faults of the program, codes and rooms of other sentences alone', () => {
    plant(
      'src-main/core/planted/planted.ts',
      [
        "import { fail } from './fail.ts'",
        'export function fault(deep: boolean): never {',
        "  if (deep) throw new Error('the links are not set yet')",
        "  throw fail('model.unknown')",
        '}',
        '',
      ].join('\n'),
    )
    plant('src-main/cli/noted.ts', "import { note } from './note.ts'\nexport const planted = () => note('two words')\n")
    expect(complaints).toThrow('the linter passed')
  })

  it('catches two exported types of one name, and one basename in two folders', () => {
    plant('src-main/lib/answer.ts', 'export interface Reply {\n  readonly text: string\n}\n')
    plant('src-main/books/answer.ts', 'export type Reply = string\n')
    const output = complaints()
    expect(output).toContain('the type Reply is exported by src-main/books/answer.ts too')
    expect(output).toContain('answer.ts stands in several folders')
  })
})
