/** The breaker with its real loop, self-checks, store and events; engine and models are fakes, the disk is a real one. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Statement } from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { Model } from '#contract/models.ts'
import { createBreaker } from '#core/breaker/index.ts'
import { TRIGGERS } from '#core/breaker/triggers.ts'
import { createRecordedEvents } from '#core/events/index.ts'
import { createStorage } from '#core/storage/index.ts'
import type { StoredModel } from '#core/models/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import type { Db } from '#db/db-types.ts'
import { failuresOf } from '#db/file-failures.ts'
import { openDb } from '#db/open.ts'
import { createSigningKey } from '#lib/ed25519.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { rigContext } from '#test/support/rig-context.ts'
import { DEPLOYMENT, MODEL } from '#test/support/seller.ts'
import { rest, until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

const HERE = { deploymentId: DEPLOYMENT, sha256: MODEL, venueId: VENUE }
const SETTINGS = { contextTokens: 256, slots: 1, threads: 1, gpuLayers: 0, prefixReuse: false }

async function start() {
  const rig = rigContext()
  const now = { silentMs: 0, file: 'ready' as Model['state'], fails: false }
  const engine = createFakeEngine({
    stats: () => ({ silentMs: now.silentMs }),
    answer: () => (now.fails ? { code: 'ENGINE_CRASHED', message: 'fake', data: {} } : 'some words to say'),
  })
  const model = await engine.load({ path: '/fake', sha256: MODEL }, SETTINGS)
  const facts = { deploymentId: DEPLOYMENT, sha256: MODEL, modelName: 'Nano', settings: SETTINGS }
  const stored = { sha256: MODEL, path: '/fake.gguf' } as StoredModel
  const opened = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
  let broken: { code: string | undefined; tryWrite: boolean } | null = null
  const failures = failuresOf(opened.path)
  const run = (): void => {
    if (broken !== null) throw Object.assign(new Error('disk'), { code: broken.code })
  }
  const commit = failures.watch({ get: run, all: run, run } as unknown as Statement)
  const failing: Db = {
    ...opened,
    trouble: () => failures.trouble(),
    onTrouble: (listener) => failures.onTrouble(listener),
    tryWrite: () => broken?.tryWrite ?? (failures.wrote(), true),
    tx(work) {
      commit.run()
      return opened.tx(work)
    },
  }
  let attached = true
  let touched = (_found: 'changed' | 'missing'): void => undefined
  const recorded = createRecordedEvents(rig)
  const keyFile = join(rig.dataDir, 'seller.key')
  const backs = { count: 0 }
  const notified: string[] = []
  const venues = [{ venueId: VENUE, realmDb: failing }]
  const notify = (_title: string, body: string): void => void notified.push(body)
  const storage = createStorage({ ...rig, host: { mode: 'headless', notify } }, venues, {
    onBack: () => void (backs.count += 1),
  })
  const breaker = createBreaker(rig, {
    deployments: {
      allLoaded: () => (attached ? [{ ...facts, model }] : []),
      loaded: () => (attached ? { ...facts, model } : null),
      broken: () => {
        const state = engine.state()
        return state.kind === 'broken' ? [{ deploymentId: DEPLOYMENT, reason: state.reason }] : []
      },
      restartBroken: async () => {
        if (engine.state().kind === 'broken') await engine.retry()
      },
      engine: () => (attached ? engine : null),
      find: () => facts,
      onModelChange(listener) {
        touched = (found) => listener({ deploymentId: DEPLOYMENT, sha256: MODEL, path: '/fake.gguf', found })
        return () => void (touched = () => undefined)
      },
    },
    models: {
      ready: async () => {
        if (now.file !== 'ready') throw new StokerError('MODEL_CHANGED', 'fake: another file')
        return stored
      },
    },
    venues,
    recorded,
    sellerKey: { path: keyFile, publicKey: createSigningKey(keyFile).publicKey },
    storage,
  })
  storage.start()
  breaker.start()
  onTestFinished(async () => {
    storage.stop()
    await breaker.stop()
    opened.close()
    rig.dispose()
  })
  const why = (): string | null => breaker.why(HERE)?.code ?? null
  return {
    rig,
    now,
    keyFile,
    engine,
    breaker,
    opened,
    failing,
    backs,
    notified,
    why,
    unload: () => void (attached = false),
    /** What the watch of files says. */
    touch(found: 'changed' | 'missing') {
      now.file = found
      touched(found)
    },
    /** `tryWrite`: whether a write that changes nothing comes through all the same. */
    breakBooks: (code: string | undefined, tryWrite = false) => void (broken = { code, tryWrite }),
    mendBooks: () => void (broken = null),
    events: () => recorded.newest(20).map(({ what }) => what),
    /** Advances until `holds`, second by second; how many seconds it took. */
    async seconds(holds: () => boolean, atMost: number): Promise<number> {
      for (let second = 0; second <= atMost; second += 1) {
        // Looks at files are real: they end in their own time.
        await until('a look', () => true)
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (holds()) return second
        await rig.clock.advance(1_000)
      }
      throw new Error(`not within ${atMost} s: ${why() ?? 'open'}`)
    },
  }
}

describe('a silent engine', () => {
  it('stops the sale at once, is tried with a real generation, and is sold again only when that succeeds', async () => {
    const { now, why, seconds, events, engine } = await start()
    now.silentMs = 3_000
    expect(await seconds(() => why() === 'breaker.silentEngine', 2)).toBeLessThanOrEqual(1)
    now.fails = true
    now.silentMs = 0
    await seconds(() => events().includes('breaker.failed'), 3)
    expect(why()).toBe('breaker.silentEngine')
    now.fails = false
    await seconds(() => why() === null, 10)
    expect(events()).toEqual(['breaker.passed', 'breaker.failed', 'breaker.stopped'])
    expect(engine.submitted.map(({ request, options }) => [request.maxTokens, options.priority])).toEqual([
      [4, 'own'],
      [4, 'own'],
    ])
  })

  it('is no matter any more once its owner took it out of memory', async () => {
    const { now, why, seconds, unload, breaker } = await start()
    now.silentMs = 4_000
    now.fails = true
    await seconds(() => why() !== null, 2)
    unload()
    await seconds(() => why() === null, 10)
    expect(breaker.trips()).toEqual([])
  })

  it('is let go by the owner’s word; what was let go stops again when it is silent still', async () => {
    const { now, why, seconds, breaker, events } = await start()
    now.silentMs = 4_000
    now.fails = true
    await seconds(() => why() !== null, 2)
    now.silentMs = 0
    await breaker.relist(HERE, 'practice/text-nano')
    expect([why(), events()[0]]).toEqual([null, 'breaker.byHand'])
    await expect(breaker.relist(HERE, 'practice/text-nano')).rejects.toMatchObject({
      reason: { code: 'breaker.notStopped' },
    })
    now.silentMs = 4_000
    await seconds(() => why() === 'breaker.silentEngine', 2)
  })
})

describe('an engine that crashed too often', () => {
  it('is not sold, started again after longer and longer pauses, and sold once it answers', async () => {
    const { engine, now, why, seconds, events, breaker } = await start()
    engine.giveUp()
    expect(await seconds(() => why() === 'breaker.brokenEngine', 5)).toBeLessThanOrEqual(1)
    now.fails = true
    expect(await seconds(() => events().includes('breaker.failed'), 10)).toBeGreaterThanOrEqual(4)
    expect(engine.state().kind).toBe('loaded')
    engine.giveUp()
    now.fails = false
    await expect(seconds(() => why() === null, 8)).rejects.toThrow('not within')
    await seconds(() => why() === null, 4)
    expect([engine.state().kind, events()[0]]).toEqual(['loaded', 'breaker.passed'])
    // The owner's word tries at once.
    engine.giveUp()
    await seconds(() => why() !== null, 2)
    await breaker.relist(HERE, 'practice/text-nano')
    expect([why(), engine.state().kind]).toEqual([null, 'loaded'])
  })
})

describe('a changed file', () => {
  it('stops the sale within its time, and the owner’s word alone does not start it', async () => {
    const { now, why, breaker, touch } = await start()
    touch('changed')
    expect(why()).toBe('breaker.fileChanged')
    await expect(breaker.relist(HERE, 'practice/text-nano')).rejects.toMatchObject({
      code: 'CONFLICT',
      reason: { code: 'breaker.stillSo' },
    })
    touch('missing')
    expect(why()).toBe('breaker.fileMissing')
    now.file = 'ready'
    await breaker.relist(HERE, 'practice/text-nano')
    expect(why()).toBeNull()
  })
})

describe('books that cannot be written', () => {
  const SAID = [
    ['SQLITE_FULL', 'disk.full'],
    ['SQLITE_IOERR_WRITE', 'disk.failed'],
    ['SQLITE_READONLY_DBMOVED', 'disk.gone'],
    ['SQLITE_READONLY', 'disk.readOnly'],
    ['SQLITE_CANTOPEN', 'disk.cannotOpen'],
    ['SQLITE_PERM', 'disk.cannotOpen'],
  ] as const

  it.each(SAID)('%s at any commit stops the sale until a commit succeeds', async (code, trouble) => {
    const { breakBooks, mendBooks, breaker, failing, opened, why, seconds } = await start()
    // As on a disk with room for one page: the look finds nothing, and the commit fails all the same.
    breakBooks(code, true)
    expect(() => failing.tx(() => 1)).toThrow(opened.path)
    await rest()
    expect(breaker.why(HERE)).toMatchObject({
      code: 'breaker.booksNotWritable',
      params: { trouble: { code: trouble } },
    })
    await seconds(() => breaker.trips()[0]!.checks > 0, 10)
    expect(breaker.trips()[0]).toMatchObject({ kind: 'books-not-writable', subject: VENUE })
    // Not before a commit succeeds, whatever a look says.
    await expect(seconds(() => why() === null, 10)).rejects.toThrow('not within')
    mendBooks()
    await seconds(() => why() === null, 60)
  })

  it('that a look finds so are sold from again at the look that finds them well', async () => {
    const { breakBooks, mendBooks, breaker, failing, opened, why, seconds, backs, notified } = await start()
    breakBooks('SQLITE_FULL')
    expect(() => failing.tx(() => 1)).toThrow(opened.path)
    // Its pauses have become long by then.
    await seconds(() => breaker.trips()[0]!.checks >= 4, 60)
    mendBooks()
    expect(await seconds(() => why() === null, 60)).toBeLessThanOrEqual(3)
    expect([backs.count, notified.length]).toEqual([1, 1])
  })

  it('is no matter of a constraint, a busy file or a mistake', async () => {
    const { breakBooks, failing, why } = await start()
    for (const code of ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_BUSY', 'SQLITE_ERROR', undefined]) {
      breakBooks(code)
      expect(() => failing.tx(() => 1)).toThrow('disk')
      await rest()
      expect(why()).toBeNull()
    }
  })
})

describe('a folder that is gone', () => {
  it('stops everything; another folder in its place is not the one', async () => {
    const { rig, why, seconds } = await start()
    const aside = `${rig.dataDir}-aside`
    renameSync(rig.dataDir, aside)
    expect(await seconds(() => why() === 'breaker.folderGone', 10)).toBeLessThanOrEqual(10)
    mkdirSync(rig.dataDir)
    for (const name of ['rig.db', 'practice.db']) writeFileSync(join(rig.dataDir, name), '')
    await expect(seconds(() => why() === null, 10)).rejects.toThrow('not within')
    rmSync(rig.dataDir, { recursive: true })
    renameSync(aside, rig.dataDir)
    await seconds(() => why() === null, 60)
  })
})

describe('the seller’s key', () => {
  it('that is gone, or another’s, stops everything within 10 s and is not written anew; it goes on with the same key', async () => {
    const { rig, keyFile, why, seconds, breaker } = await start()
    const aside = join(rig.dataDir, 'aside.key')
    renameSync(keyFile, aside)
    await rig.clock.advance(TRIGGERS['key-gone'].withinMs)
    // The looks of these ten seconds read a real disk, in their own time.
    await until('it is missed', () => why() === 'breaker.keyGone')
    expect(existsSync(keyFile)).toBe(false)
    createSigningKey(keyFile)
    await expect(breaker.relist(HERE, 'practice/text-nano')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(why()).toBe('breaker.keyGone')
    // Another file with the same key is the key.
    writeFileSync(keyFile, readFileSync(aside))
    await seconds(() => why() === null, 1_000)
  })

  it('is not the reason where the whole folder is gone', async () => {
    const { rig, keyFile, why, seconds, breaker } = await start()
    rmSync(keyFile)
    await seconds(() => why() === 'breaker.keyGone', 1_000)
    renameSync(rig.dataDir, `${rig.dataDir}-aside`)
    await seconds(() => why() === 'breaker.folderGone', 1_000)
    expect(breaker.trips().map(({ kind }) => kind)).toEqual(['key-gone', 'folder-gone'])
    renameSync(`${rig.dataDir}-aside`, rig.dataDir)
  })
})
