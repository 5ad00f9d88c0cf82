/** The backup page's sentence, and what its form asks for. */
import { describe, expect, it } from 'vitest'

import type { BackupEntry, BackupStatus } from '#contract/backup.ts'
import { because } from '#contract/reasons.ts'
import { HOUR_MS } from '#contract/time.ts'

import { backupSentence } from '../../src-renderer/features/settings/backup-sentence.ts'
import { draftOfNightly, readNightly } from '../../src-renderer/features/settings/nightly-card.tsx'

const NOW = Date.UTC(2026, 10, 30, 12)
const settings = { automatic: true, folder: null, keep: 7, bytesMax: 20_000_000_000 }
const entry = (hoursAgo: number, problem: BackupEntry['problem'] = null): BackupEntry => ({
  startedAt: NOW - hoursAgo * HOUR_MS,
  endedAt: NOW - hoursAgo * HOUR_MS,
  automatic: true,
  path: '/p',
  bytes: 1,
  problem,
})
const said = (facts: Partial<Pick<BackupStatus, 'running' | 'last' | 'recent' | 'settings'>>): string =>
  backupSentence({ running: null, last: null, recent: [], settings, ...facts }, NOW)
const FAILED = entry(1, because('backup.interrupted'))

describe('the sentence', () => {
  it('says what is true right now: how old the last copy is, that there is none, that one is being made', () => {
    expect(said({ last: entry(9), recent: [entry(9)] })).toBe('The last copy was made 9 h ago.')
    expect(said({})).toMatch(/^There is no copy of this folder yet/)
    expect(said({ settings: { ...settings, automatic: false } })).toMatch(/none is made by itself/)
    expect(said({ last: entry(9), settings: { ...settings, automatic: false } })).toMatch(/no more are made/)
    const running = { startedAt: NOW, path: '/p', file: 'practice.db', step: 'copying' as const, done: 1, total: 4 }
    expect(said({ running })).toBe('A copy is being made: practice.db, 25\u00a0%.')
    expect(said({ running: { ...running, step: 'checking' } })).toBe('A copy is being made: checking practice.db.')
  })

  it('does not call a folder backed up whose copies fail and whose last one is old', () => {
    expect(said({ last: entry(60), recent: [FAILED, entry(60)] })).toBe('The last attempt at a copy failed.')
    expect(said({ last: null, recent: [FAILED] })).toBe('The last attempt at a copy failed.')
    expect(said({ last: entry(9), recent: [FAILED, entry(9)] })).toBe('The last copy was made 9 h ago.')
  })
})

describe('the form', () => {
  it('reads what it shows back as the same settings, and an empty folder as none', () => {
    expect(readNightly(draftOfNightly(settings))).toEqual({ folder: null, keep: 7, bytesMax: 20_000_000_000 })
    expect(readNightly({ folder: ' /a b ', keep: '3', gigabytes: '5' })).toEqual({
      folder: '/a b',
      keep: 3,
      bytesMax: 5_000_000_000,
    })
  })

  it('takes no number that is none, zero or too large', () => {
    for (const keep of ['', '0', '366', '1.5', 'x'])
      expect(readNightly({ folder: '', keep, gigabytes: '1' }).keep).toBeNull()
    for (const gigabytes of ['', '0', '-1', '1e3'])
      expect(readNightly({ folder: '', keep: '1', gigabytes }).bytesMax).toBeNull()
  })
})
