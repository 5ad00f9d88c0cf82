/** Case 2 of a rig: `seller.key` away, history there. Catches: a new identity that nobody asked for. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import { checkOfHistory, noteOwnKey, openSellerKey, readFolderHistory, replaceSellerKey } from '#core/identity/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { openDb } from '#db/open.ts'
import { generateKeyText, readKeyText } from '#lib/ed25519.ts'
import { writeSecretFile } from '#lib/secret-file.ts'
import { systemClock } from '#lib/system-clock.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { writeFolder } from '../backup/backup-folder.ts'

const suite = temporaryFolder()
const dir = join(suite.path, 'data')
const keyFile = join(dir, 'seller.key')
let pem = ''
let publicKey = ''
beforeAll(async () => {
  await writeFolder(dir, 60)
  pem = readFileSync(keyFile, 'utf8')
  publicKey = readKeyText(keyFile)!.key.publicKey
})
afterAll(() => suite.remove())

const reasonOf = (work: () => unknown) => {
  try {
    work()
    return null
  } catch (error) {
    return (error as StokerError).reason
  }
}
const open = (folder = dir) => openSellerKey(folder, systemClock)
const noted = (key: string): void => {
  const rigDb = openDb({ path: join(dir, 'rig.db'), migrations: rigMigrations })
  noteOwnKey(rigDb, key, 1)
  rigDb.close()
}

describe('the key of a folder', () => {
  it('is made in a new one, and in one in which nothing happened yet', () => {
    const fresh = tempDir()
    const made = open(fresh)
    expect(open(fresh).publicKey).toBe(made.publicKey)
    openDb({ path: join(fresh, 'rig.db'), migrations: rigMigrations }).close()
    rmSync(join(fresh, 'seller.key'))
    expect(open(fresh).publicKey).not.toBe(made.publicKey)
  })

  it('is never made where there is history: the error names the key that is missing, and nothing is written', () => {
    rmSync(keyFile)
    // Beside the logs that a reader leaves.
    const files = () => readdirSync(dir).filter((name) => !/-(?:wal|shm)$/.test(name))
    const before = files()
    expect(reasonOf(open)).toEqual({ code: 'key.missing', params: { path: keyFile, key: publicKey } })
    expect(existsSync(keyFile)).toBe(false)
    // The same where the owner's start had noted the key.
    noted(publicKey)
    expect(reasonOf(open)?.code).toBe('key.missing')
    expect(files()).toEqual(before)
    writeSecretFile(keyFile, pem)
    expect(open().publicKey).toBe(publicKey)
  })

  it('that is another one than the history’s is refused, at the start and at an import', () => {
    const other = generateKeyText()
    writeSecretFile(keyFile, other.pem)
    expect(reasonOf(open)).toEqual({
      code: 'key.foreignHere',
      params: { path: keyFile, found: other.key.publicKey, key: publicKey },
    })
    writeSecretFile(keyFile, pem)
    const history = readFolderHistory(dir, 0)
    expect(reasonOf(() => checkOfHistory(other.key.publicKey, history))).toEqual({
      code: 'key.foreign',
      params: { found: other.key.publicKey, key: publicKey },
    })
    expect(reasonOf(() => checkOfHistory(publicKey, history))).toBeNull()
    expect(reasonOf(() => checkOfHistory(other.key.publicKey, readFolderHistory(tempDir(), 0)))).toBeNull()
  })

  it('that was noted as a new one is taken, the one before it stays beside it and can come back', () => {
    const next = generateKeyText()
    noted(next.key.publicKey)
    const aside = replaceSellerKey(dir, next, 77)
    expect(aside).toBe(`${keyFile}.retired-77`)
    expect(readFileSync(aside!, 'utf8')).toBe(pem)
    expect(open().publicKey).toBe(next.key.publicKey)
    expect(readFolderHistory(dir, 0).keys.toSorted()).toEqual([next.key.publicKey, publicKey].toSorted())
    writeSecretFile(keyFile, pem)
    expect(open().publicKey).toBe(publicKey)
  })
})

describe('what hangs on a key', () => {
  it('is counted from the books: receipts, held money, and whose they are', () => {
    const [venue] = readFolderHistory(dir, 0).venues
    expect(venue).toMatchObject({ venueId: 'practice', unit: 'PCR', jobs: 60, receipts: 60, claims: 0 })
    expect(venue!.keys).toEqual([publicKey])
    expect(venue!.heldNano).toBeGreaterThan(0)
  })
})
