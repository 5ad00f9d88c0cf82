/** `stoker key`: the key this rig sells under; shown, kept elsewhere under a passphrase, put back, replaced. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { Command } from 'commander'

import { fail } from '#contract/errors.ts'
import {
  checkOfHistory,
  newSellerKey,
  noteOwnKey,
  readFolderHistory,
  replaceSellerKey,
  sellerKeyPath,
  type FolderHistory,
} from '#core/identity/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { openDb } from '#db/open.ts'
import { parseKeyText, readKeyText, type KeyText } from '#lib/ed25519.ts'
import { writeSecretFile } from '#lib/secret-file.ts'
import { openSealed, readSealed, sealKey } from '#lib/sealed-key.ts'
import { systemClock } from '#lib/system-clock.ts'
import { ensureDataDir, lockDataDir } from '#server/data-dir.ts'

import {
  confirm,
  PASSPHRASE_FD,
  PASSPHRASE_FILE,
  readPassphrase,
  type PassphraseOptions,
} from '../terminal-questions.ts'
import { costLines } from '../key-cost.ts'
import { note, printJson, printLine } from '../output.ts'
import { DATA_OPTION, integer } from '../shared-options.ts'

interface Options extends PassphraseOptions {
  data: string
  json?: boolean
  yes?: boolean
}

const FILE_BYTES_MAX = 16_384
const FD_MAX = 1_024

/** Holds the folder while it works: a running Stoker has its key in memory. Error: DATA_LOCKED. */
async function withLock<T>(dataDir: string, work: () => T | Promise<T>): Promise<T> {
  const lock = lockDataDir(dataDir)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

function needKey(dataDir: string): KeyText {
  const found = readKeyText(sellerKeyPath(dataDir))
  if (found === null) throw fail('key.none', { path: sellerKeyPath(dataDir) })
  return found
}

function show({ data, json }: Options): void {
  const dataDir = resolve(data)
  const { key } = needKey(dataDir)
  const { keys, rows, venues } = readFolderHistory(dataDir, systemClock.now())
  const others = keys.filter((one) => one !== key.publicKey)
  const madeAt = rows.find(({ publicKey }) => publicKey === key.publicKey)?.madeAt ?? null
  if (json === true) return printJson({ publicKey: key.publicKey, path: sellerKeyPath(dataDir), madeAt, others })
  printLine(`This rig sells under the key ${key.publicKey}`)
  printLine(`File: ${sellerKeyPath(dataDir)} (readable by you alone; whoever has it can sell as you)`)
  if (madeAt !== null) printLine(`In use here since ${day(madeAt)}.`)
  for (const { venueId, receipts, jobs } of venues) printLine(`${venueId}: ${jobs} jobs, ${receipts} receipts`)
  for (const other of others) printLine(`Before it: ${other}`)
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

async function exportKey(file: string, options: Options): Promise<void> {
  const path = resolve(file)
  const { key, pem } = needKey(resolve(options.data))
  if (existsSync(path)) throw fail('key.fileExists', { path })
  const text = sealKey(pem, key.publicKey, await readPassphrase(options, { twice: true }))
  try {
    writeSecretFile(path, text)
  } catch (error) {
    throw fail('key.notWritten', { path, error: (error as NodeJS.ErrnoException).code ?? 'unknown' }, { cause: error })
  }
  if (options.json === true) printJson({ publicKey: key.publicKey, path })
  else
    printLine(
      `The key ${key.publicKey} is in ${path}, readable with the passphrase alone. Keep both apart from this machine; without the passphrase nobody can open it, Stoker neither.`,
    )
}

function readKeyFile(file: string): { path: string; text: string } {
  const path = resolve(file)
  try {
    // A few hundred bytes; what is larger is cut here and then no key file.
    return { path, text: statSync(path).size > FILE_BYTES_MAX ? '' : readFileSync(path, 'utf8') }
  } catch (error) {
    throw fail(
      'verify.unreadable',
      { path, error: (error as NodeJS.ErrnoException).code ?? 'unknown' },
      { cause: error },
    )
  }
}

async function importKey(file: string, options: Options): Promise<void> {
  const dataDir = ensureDataDir(resolve(options.data))
  const { path, text } = readKeyFile(file)
  await withLock(dataDir, async () => {
    const history = readFolderHistory(dataDir, systemClock.now())
    // Before anything is asked: a passphrase for the wrong file helps nobody.
    checkOfHistory(readSealed(text, path).publicKey, history)
    const { secret, publicKey } = openSealed(text, path, await readPassphrase(options, { twice: false }))
    const next = parseKeyText(secret, path)
    if (next.key.publicKey !== publicKey) throw fail('key.cutOff', { path })
    const aside = putKey(dataDir, next)
    if (options.json === true) return printJson({ publicKey, aside })
    printLine(`This rig sells under the key ${publicKey} from the next start on.`)
    if (aside !== null) printLine(`The key that was here is kept in ${aside}.`)
  })
}

/** Noted first: a kill in between leaves the key that was there, which is still one of this folder's. */
function putKey(dataDir: string, next: KeyText): string | null {
  const path = join(dataDir, 'rig.db')
  const now = systemClock.now()
  if (existsSync(path)) {
    const rigDb = openDb({ path, migrations: rigMigrations })
    try {
      noteOwnKey(rigDb, next.key.publicKey, now)
    } finally {
      rigDb.close()
    }
  }
  return replaceSellerKey(dataDir, next, now)
}

async function makeNew(options: Options): Promise<void> {
  const dataDir = ensureDataDir(resolve(options.data))
  await withLock(dataDir, async () => {
    const history = readFolderHistory(dataDir, systemClock.now())
    tellCost(history, readKeyText(sellerKeyPath(dataDir))?.key.publicKey ?? null)
    if (!(await confirm('Make a new key?', options.yes))) return
    const next = newSellerKey()
    const aside = putKey(dataDir, next)
    if (options.json === true) return printJson({ publicKey: next.key.publicKey, aside })
    printLine(`This rig sells under the new key ${next.key.publicKey} from the next start on.`)
    if (aside !== null) printLine(`The key that was here is kept in ${aside}.`)
  })
}

function tellCost(history: FolderHistory, current: string | null): void {
  for (const line of costLines(history, current)) note(line)
}

export function addKey(program: Command): void {
  const command = (name: string, description: string): Command =>
    new Command(name)
      .description(description)
      .exitOverride()
      .option(...DATA_OPTION)
      .option('--json', 'print one line')
  const withPassphrase = (name: string, description: string): Command =>
    command(name, description)
      .argument('<file>', 'the file')
      .option(...PASSPHRASE_FILE)
      .option(...PASSPHRASE_FD, integer(0, FD_MAX))
  program
    .command('key')
    .description('the key this rig sells under')
    .addCommand(command('show', 'its public half, and the keys before it').action(show), { isDefault: true })
    .addCommand(
      withPassphrase('export', 'write it to a file under a passphrase (scrypt, AES-256-GCM)').action(exportKey),
    )
    .addCommand(withPassphrase('import', 'put it back from such a file; Stoker must be stopped').action(importKey))
    .addCommand(
      command('new', 'make a new key, after saying what that costs; Stoker must be stopped')
        .option('--yes', 'do it without asking')
        .action(makeNew),
    )
}
