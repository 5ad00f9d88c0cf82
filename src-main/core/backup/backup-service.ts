/** Copies of this folder while it runs: by hand, by night, one at a time. */
import { isAbsolute, join } from 'node:path'

import type { BackupEntry, BackupSettings, BackupStatus } from '#contract/backup.ts'
import { fail, inWords, StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'

import {
  insertBackup,
  lastAutomaticTry,
  lastGoodBackup,
  readBackupSettings,
  recentBackups,
  writeBackupSettings,
} from './backup.store.ts'
import { bytesToCopy, modelFiles } from './copied-files.ts'
import { isDue } from './copy-names.ts'
import { isWithin, mib } from './disk.ts'
import { automaticCopies, pruneCopies } from './kept-copies.ts'
import { AUTOMATIC_FOLDER, checkBackup, makeBackup, type MakeBackupOptions } from './make-backup.store.ts'
import { sweepPartialBackups } from './partial-copies.ts'
import { readRestored } from './restored.ts'

const RECENT = 20

export type BackupContext = Pick<
  CoreContext,
  'clock' | 'log' | 'rigDb' | 'events' | 'host' | 'key' | 'dataDir' | 'version'
>

/** A change: fields left out or undefined stay as they are. */
export type BackupSettingsChange = { [Field in keyof BackupSettings]?: BackupSettings[Field] | undefined }

type Place = Required<Pick<MakeBackupOptions, 'folder' | 'automatic' | 'inOwnPlace'>>

export interface BackupServiceOptions {
  /** Hour of the day where this machine is, 0 to 23. */
  hourOf?: (at: EpochMs) => number
}

export class BackupService {
  readonly #context: BackupContext
  readonly #options: BackupServiceOptions
  readonly #stopping = new AbortController()
  readonly #bornAt: number
  #running: BackupStatus['running'] = null
  #work: Promise<void> = Promise.resolve()
  /** One notice until a copy is good again. */
  #hasNotified = false

  constructor(context: BackupContext, options: BackupServiceOptions = {}) {
    this.#context = context
    this.#options = options
    this.#bornAt = context.clock.mono()
  }

  settings(): BackupSettings {
    return readBackupSettings(this.#context.rigDb.read)
  }

  /** Errors: BAD_REQUEST for a folder that is no absolute path, or lies in the data folder. */
  change(change: BackupSettingsChange): BackupSettings {
    const { rigDb, dataDir, events } = this.#context
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const next: BackupSettings = { ...this.settings(), ...given }
    if (next.folder !== null) checkPlace(next.folder, dataDir)
    rigDb.tx((db) => writeBackupSettings(db, next))
    events.changed('backup')
    return next
  }

  status(): BackupStatus {
    const { rigDb, dataDir } = this.#context
    const folder = this.#folder()
    const kept = this.#kept(folder)
    return {
      settings: this.settings(),
      folder,
      elsewhere: folder !== join(dataDir, AUTOMATIC_FOLDER),
      running: this.#running,
      last: lastGoodBackup(rigDb.read),
      recent: recentBackups(rigDb.read, RECENT),
      kept,
      models: modelFiles(dataDir),
      restored: readRestored(dataDir),
    }
  }

  /**
   * Begins a copy by hand, where none is named beside the automatic ones: it is none of them, so it neither takes the
   * place of the next nor goes by their bounds. Errors: UNAVAILABLE (one is being made, no room), BAD_REQUEST (no absolute path, into the data
   * folder), NOT_FOUND.
   */
  start(folder: string | undefined): { startedAt: EpochMs } {
    if (folder !== undefined) checkPlace(folder, this.#context.dataDir)
    return this.#begin({ folder: folder ?? this.#folder(), automatic: false, inOwnPlace: folder === undefined })
  }

  /** The nightly copy, when it is time. Never throws. */
  async nightly(): Promise<void> {
    const { clock, log } = this.#context
    const { automatic, bytesMax } = this.settings()
    if (!automatic || this.#running !== null || !this.#isDue()) return
    try {
      const bytes = bytesToCopy(this.#context.dataDir)
      if (bytes > bytesMax) throw fail('backup.tooLarge', { neededMib: mib(bytes), maxMib: mib(bytesMax) })
      this.#begin({ folder: this.#folder(), automatic: true, inOwnPlace: true })
    } catch (error) {
      const now = clock.now()
      log.warn({ err: error }, 'the nightly copy was not made')
      this.#note({
        startedAt: now,
        endedAt: now,
        automatic: true,
        path: this.#folder(),
        bytes: 0,
        problem: reasonOf(error),
      })
      return
    }
    await this.#work
  }

  /** What an earlier life left behind is removed. */
  sweep(): void {
    sweepPartialBackups(this.#context.dataDir, this.#folder())
  }

  /** Calls off what runs; resolves when its thread is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort(fail('backup.interrupted'))
    await this.#work
  }

  #folder(): string {
    return this.settings().folder ?? join(this.#context.dataDir, AUTOMATIC_FOLDER)
  }

  #kept(folder: string): BackupStatus['kept'] {
    const copies = automaticCopies(folder, this.#context.key.publicKey)
    return { copies: copies.length, bytes: copies.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  #isDue(): boolean {
    const { clock, rigDb } = this.#context
    const { hourOf = (at) => new Date(at).getHours() } = this.#options
    return isDue({
      now: clock.now(),
      hour: hourOf(clock.now()),
      upMs: clock.mono() - this.#bornAt,
      lastGoodAt: lastGoodBackup(rigDb.read, true)?.endedAt ?? null,
      lastTriedAt: lastAutomaticTry(rigDb.read),
    })
  }

  #begin(place: Place): { startedAt: EpochMs } {
    const { dataDir, clock } = this.#context
    if (this.#running !== null) throw fail('backup.running')
    this.#stopping.signal.throwIfAborted()
    checkBackup({ dataDir, ...place })
    const startedAt = clock.now()
    this.#running = { startedAt, path: place.folder, file: '', step: 'copying', done: 0, total: 0 }
    this.#context.events.changed('backup')
    this.#work = this.#make(place, startedAt)
    return { startedAt }
  }

  async #make(place: Place, startedAt: EpochMs): Promise<void> {
    const { folder, automatic } = place
    const { dataDir, clock, version, log, key } = this.#context
    const ended = { startedAt, automatic, bytes: 0, path: folder }
    try {
      const { path, bytes } = await makeBackup({
        dataDir,
        ...place,
        app: version,
        clock,
        onProgress: (progress) => this.#running !== null && (this.#running = { ...this.#running, ...progress }),
        signal: this.#stopping.signal,
      })
      this.#note({ ...ended, path, bytes, endedAt: clock.now(), problem: null })
      if (automatic) pruneCopies(folder, key.publicKey, this.settings())
    } catch (error) {
      log.warn({ err: error }, 'a copy of the data folder was not made')
      // While the core stops its databases are still open: copies are called off first.
      this.#note({ ...ended, endedAt: clock.now(), problem: reasonOf(error) })
    } finally {
      this.#running = null
      this.#context.events.changed('backup')
    }
  }

  #note(entry: BackupEntry): void {
    const { rigDb, host, events, log } = this.#context
    try {
      rigDb.tx((db) => insertBackup(db, entry))
    } catch (error) {
      log.error({ err: error }, 'what came of a copy could not be noted')
    }
    if (entry.problem === null) this.#hasNotified = false
    else if (entry.automatic && !this.#hasNotified && !this.#stopping.signal.aborted) {
      this.#hasNotified = true
      host.notify(inWords(because('backup.notMade')), inWords(entry.problem))
    }
    events.changed('backup')
  }
}

/** Error: BAD_REQUEST. The service's own folder in the data folder is chosen by naming none. */
function checkPlace(folder: string, dataDir: string): void {
  if (!isAbsolute(folder)) throw fail('backup.relative', { path: folder })
  if (isWithin(folder, dataDir)) throw fail('backup.intoItself', { path: folder, dataDir })
}

const reasonOf = (error: unknown): Reason => (error instanceof StokerError ? error.reason : because('failure.unknown'))
