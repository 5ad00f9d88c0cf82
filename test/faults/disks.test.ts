/**
 * A whole rig on a disk that fills up, is frozen or goes away. Catches: a stack trace where a sentence belongs, screens
 * that need a write to be read, a rig that goes on selling what it cannot book, one that does not come back by itself, a
 * folder without a word.
 */
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { startRig, stoker, type Rig } from '#test/support/rig.ts'
import { CAN_FREEZE, freeze, HAS_SMALL_DISKS, smallDisk, thaw } from '#test/support/small-disk.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

const QUIET = ['--no-practice-buyer']
const TEST_MS = 120_000
/** A line of a stack trace. */
const STACK = /^\s+at .+:\d+:\d+\)?$/m

const sentenceOf = async ({ client }: Rig) => (await client.app.home({ venueId: VENUE })).sentence
async function says(rig: Rig, trouble: string | null): Promise<void> {
  await until(
    `home to say ${trouble ?? 'that all is well'}`,
    async () => {
      const { code, params } = await sentenceOf(rig)
      if (trouble === null) return code !== 'home.storage'
      // Nothing is listed: Home says what the breaker says, which names the disk's trouble.
      const stopped = params['trouble']
      const inner =
        typeof stopped === 'object' && stopped.code === 'breaker.booksNotWritable' ? stopped.params['trouble'] : stopped
      return typeof inner === 'object' && inner.code === trouble
    },
    10_000,
  )
}
/** The log of a database may have room for a few commits (its last block is begun): those are booked, and rightly so. */
const LAST_COMMITS_MAX = 64
/** Writes until the disk takes no more; what was thrown then. */
async function writeUntilRefused({ client }: Rig): Promise<unknown> {
  for (let at = 0; at < LAST_COMMITS_MAX; at += 1)
    try {
      await client.app.updateSettings({ rigName: `rig ${at}` })
    } catch (error) {
      return error
    }
  return null
}
async function rigIn(dir: string): Promise<Rig> {
  const rig = await startRig({ dir, args: QUIET })
  onTestFinished(async () => void (await rig.stop()))
  return rig
}

describe.skipIf(!HAS_SMALL_DISKS)('a data folder on a disk of 40 MB', () => {
  it(
    'that is full to the last byte: screens read, one sentence names it; freed, work goes on without a restart',
    async () => {
      const disk = smallDisk(40)!
      onTestFinished(() => disk.remove())
      const dir = join(disk.path, 'rig')
      mkdirSync(dir)
      const rig = await rigIn(dir)
      disk.fill()
      await says(rig, 'disk.full')
      const { client } = rig
      await client.jobs.list({ venueId: VENUE })
      await client.models.list()
      await client.earnings.held({ venueId: VENUE })
      await client.app.settings()
      expect(await writeUntilRefused(rig)).toMatchObject({ data: { code: 'DISK_FULL' } })
      const check = await stoker(['ledger', 'check', '--data', dir, '--json'])
      expect({ code: check.code, ok: (JSON.parse(check.stdout) as { ok: boolean }).ok }).toEqual({ code: 0, ok: true })
      disk.free()
      await says(rig, null)
      await client.app.updateSettings({ rigName: 'another' })
      expect(rig.stderr()).not.toMatch(STACK)
    },
    TEST_MS,
  )

  it(
    'is refused at the start in one sentence with its path, exit code 4',
    async () => {
      const disk = smallDisk(40)!
      onTestFinished(() => disk.remove())
      const dir = join(disk.path, 'rig')
      mkdirSync(dir)
      disk.fill()
      const { code, stderr } = await stoker(['serve', '--port', '0', '--data', dir])
      expect(code).toBe(4)
      expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^stoker: the disk that holds .*rig.* is full/)])
    },
    TEST_MS,
  )
})

describe.skipIf(!CAN_FREEZE)('a database that nobody may change', () => {
  it(
    'stops the sale within seconds, said; changeable again, work goes on',
    async () => {
      const dir = tempDir()
      const rig = await rigIn(dir)
      const files = ['practice.db', 'practice.db-wal'].map((name) => join(dir, name))
      try {
        for (const file of files) expect(freeze(file)).toBe(true)
        await says(rig, 'disk.readOnly')
      } finally {
        files.forEach(thaw)
      }
      await says(rig, null)
      expect(rig.stderr()).not.toMatch(STACK)
    },
    TEST_MS,
  )
})

describe('a data folder', () => {
  it(
    'that is taken away while Stoker runs is missed within seconds',
    async () => {
      const dir = join(tempDir(), 'rig')
      mkdirSync(dir)
      const rig = await rigIn(dir)
      renameSync(dir, `${dir}.gone`)
      await says(rig, 'breaker.folderGone')
      expect(rig.stderr()).not.toMatch(STACK)
    },
    TEST_MS,
  )

  it.skipIf(process.platform !== 'linux')(
    'whose -shm is cut short under a running Stoker: its end by SIGBUS has words',
    async () => {
      const dir = tempDir()
      const rig = await startRig({ dir, args: QUIET })
      const ended = once(rig.process, 'close')
      truncateSync(join(dir, 'practice.db-shm'), 0)
      // What reads or writes next touches what is gone.
      await rig.client.jobs.list({ venueId: VENUE }).catch(() => undefined)
      const [code, signal] = (await ended) as [number | null, string | null]
      expect([code, signal]).toEqual([null, 'SIGBUS'])
      expect(rig.stderr()).toMatch(/the system ended Stoker.*taken away or a file of it was cut short/)
      expect(rig.stderr()).toContain(dir)
    },
    TEST_MS,
  )

  it.each([
    ['whose lock.db is garbage', 'lock.db', 5, /lock\.db is not a lock file of Stoker/],
    ['whose rig.db has no bytes', 'rig.db', 5, /rig\.db is empty/],
  ])(
    '%s is refused in words',
    async (_what, name, exit, words) => {
      const dir = tempDir()
      writeFileSync(join(dir, name), name === 'lock.db' ? 'garbage'.repeat(700) : '')
      const { code, stderr } = await stoker(['serve', '--port', '0', '--data', dir])
      expect([code, stderr.trim().split('\n')]).toEqual([exit, [expect.stringMatching(words)]])
    },
    TEST_MS,
  )

  it('whose path has more than 512 bytes is refused in words', async () => {
    const dir = join(tempDir(), ...Array.from({ length: 5 }, (_, at) => String(at).repeat(100)))
    const { code, stderr } = await stoker(['serve', '--port', '0', '--data', dir])
    expect([code, stderr.trim().split('\n')]).toEqual([2, [expect.stringMatching(/has \d{3} bytes/)]])
    expect(existsSync(dir)).toBe(false)
  })

  it(
    'whose database is no database names no copy that does not exist',
    async () => {
      const dir = tempDir()
      const rig = await startRig({ dir, args: QUIET })
      await rig.stop()
      const path = join(dir, 'practice.db')
      truncateSync(path, 0)
      writeFileSync(path, 'this is not SQLite'.repeat(500))
      const without = await stoker(['serve', '--port', '0', '--data', dir])
      expect([without.code, without.stderr]).toEqual([5, expect.stringContaining('Stoker made no copy')])
      writeFileSync(`${path}.before-130`, 'a copy')
      const { stderr } = await stoker(['serve', '--port', '0', '--data', dir])
      expect(stderr).toContain(`put the copy ${path}.before-130 in the place`)
    },
    TEST_MS,
  )
})
