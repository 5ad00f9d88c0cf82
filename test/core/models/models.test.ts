import { said, type Reason } from '#contract/reasons.ts'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fail, StokerError } from '#contract/errors.ts'
import type { Model } from '#contract/models.ts'
import { createModels } from '#core/models/index.ts'
import { hashFile } from '#core/models/model-files.ts'
import { memoryFit, modelName } from '#core/models/models.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { fakeModelEngines, type FakeModelEngines } from '#test/core/deployments/fake-deployment-engine.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const all = { context: { scopes: ALL_SCOPES } }
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

let rig: RigContext
let engines: FakeModelEngines
let loaded: string | null
let inUse: Reason | null
let folder: string
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
  loaded = null
  inUse = null
  folder = join(rig.dataDir, 'files')
  mkdirSync(join(folder, 'bundled'), { recursive: true })
})
afterEach(() => rig.dispose())

const start = () =>
  createModels(
    { ...rig, engines, bundledModelsDir: join(folder, 'bundled') },
    { inUse: () => inUse, loaded: (sha256) => sha256 === loaded, freeBytes: () => 6e9 },
  )
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
async function imported(models: ReturnType<typeof start>, path: string): Promise<{ model: Model; progress: number[] }> {
  const progress: number[] = []
  for await (const step of await call(models.api.import, { path }, all)) {
    if (step.kind === 'done') return { model: step.model, progress }
    progress.push(step.doneBytes)
  }
  throw new Error('the import ended without a model')
}

describe('importing a model', () => {
  it('reports hashing from nothing to the whole file, keeps the header and leaves the file where it is', async () => {
    const content = Buffer.alloc(3_000_000, 7)
    const path = file('seven.gguf', content)
    const models = start()
    const { model, progress } = await imported(models, path)
    expect(progress).toEqual([0, 3_000_000])
    expect(model).toMatchObject({
      sha256: sha(content),
      path,
      fileName: 'seven.gguf',
      sizeBytes: 3_000_000,
      name: 'Fake 7B',
      state: 'ready',
      bundled: false,
      memory: { neededBytes: 5e9, freeBytes: 6e9, fits: 'tight' },
    })
    expect(statSync(path).size).toBe(3_000_000)
    expect(rig.changes).toContain('models')
    expect((await call(start().api.list, undefined, all)).map(({ sha256 }) => sha256)).toEqual([sha(content)])
  })

  it('keeps one row for the same bytes, and follows them when the first copy is gone', async () => {
    const models = start()
    const first = file('a.gguf', 'same bytes')
    await imported(models, first)
    const copy = file('b.gguf', 'same bytes')
    expect((await imported(models, copy)).model.path).toBe(first)
    rmSync(first)
    expect((await models.list())[0]?.state).toBe('missing')
    expect((await imported(models, copy)).model).toMatchObject({ path: copy, fileName: 'b.gguf', state: 'ready' })
    expect(await models.list()).toHaveLength(1)
  })

  it.each([
    'MODEL_NOT_GGUF',
    'MODEL_EMPTY',
    'MODEL_TRUNCATED',
    'MODEL_UNREADABLE',
    'MODEL_TOO_BIG',
    'MODEL_UNSUPPORTED',
  ] as const)('passes the header error %s on with its own message, before hashing', async (code) => {
    engines.shared.header = () => {
      throw new StokerError(code, `what to do about ${code}`)
    }
    const models = start()
    await expect(imported(models, file('bad.gguf', 'x'))).rejects.toMatchObject({
      message: `what to do about ${code}`,
      data: { code },
    })
    expect(await models.list()).toEqual([])
  })

  it('refuses a relative path, a folder, a missing and an empty file even if the header reader let them pass', async () => {
    const models = start()
    await expect(imported(models, 'seven.gguf')).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } })
    await expect(imported(models, folder)).rejects.toMatchObject({ data: { code: 'MODEL_UNREADABLE' } })
    await expect(imported(models, join(folder, 'none.gguf'))).rejects.toMatchObject({
      data: { code: 'MODEL_UNREADABLE' },
    })
    await expect(imported(models, file('zero.gguf', ''))).rejects.toMatchObject({ data: { code: 'MODEL_EMPTY' } })
  })

  it('can be stopped in the middle, stores nothing then, and lets go of the file', async () => {
    const models = start()
    const stop = new AbortController()
    const path = file('big.gguf', Buffer.alloc(4_000_000))
    const steps = models.import(path, stop.signal)
    await steps.next()
    stop.abort()
    await expect(steps.next()).rejects.toMatchObject({ code: 'CANCELLED' })
    const left = models.import(path)
    await left.next()
    await left.return(undefined)
    expect(await models.list()).toEqual([])
  })

  it('does not accept a file that grows while it is read', async () => {
    const path = file('growing.gguf', 'first part')
    const steps = hashFile(path)
    await steps.next()
    file('growing.gguf', 'first part and the second')
    await expect(
      (async () => {
        for await (const step of steps) void step
      })(),
    ).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
  })

  it('bounds how many files are read at once', async () => {
    const models = start()
    const path = file('a.gguf', 'bytes')
    const open = [1, 2, 3, 4].map(() => models.import(path))
    for (const steps of open) await steps.next()
    await expect(models.import(path).next()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    for (const steps of open) await steps.return(undefined)
    const next = models.import(path)
    expect((await next.next()).value).toMatchObject({ kind: 'hashing' })
    await next.return(undefined)
  })
})

describe('a split model', () => {
  /** Two parts, of which the header names both. */
  async function split(models: ReturnType<typeof start>, where = ''): Promise<{ model: Model; paths: string[] }> {
    const paths = ['one', 'other'].map((content, no) => file(`${where}m-0000${no + 1}-of-00002.gguf`, content))
    engines.shared.header = () => ({ parts: paths })
    return { ...(await imported(models, paths[0]!)), paths }
  }

  it('is known by the hash of its parts’ sizes and hashes, whatever they are called and wherever they lie', async () => {
    const models = start()
    const { model, paths } = await split(models)
    const canonical = `[{"sha256":"${sha('one')}","size":3},{"sha256":"${sha('other')}","size":5}]`
    expect(model).toMatchObject({
      sha256: sha(`stoker-split-v1\n${canonical}`),
      path: paths[0],
      sizeBytes: 8,
      parts: [
        { path: paths[0], sizeBytes: 3, sha256: sha('one') },
        { path: paths[1], sizeBytes: 5, sha256: sha('other') },
      ],
    })
    mkdirSync(join(folder, 'elsewhere'))
    expect((await split(models, 'elsewhere/renamed-')).model.sha256).toBe(model.sha256)
    expect(await models.list()).toHaveLength(1)
  })

  it('is changed or missing when any part is, which is named; only what was touched is hashed again', async () => {
    const models = start()
    const { model, paths } = await split(models)
    utimesSync(paths[1]!, 1_000, 1_000)
    expect(await models.files(model.sha256)).toEqual({ found: 'changed', path: paths[1] })
    expect((await models.ready(model.sha256)).parts[1]).toMatchObject({ mtimeMs: 1_000_000 })
    expect(await models.files(model.sha256)).toEqual({ found: 'ready', path: paths[0] })
    // The first was only touched: what is named is the one whose bytes are others, twice.
    utimesSync(paths[0]!, 1_000, 1_000)
    writeFileSync(paths[1]!, 'x'.repeat(statSync(paths[1]!).size))
    const other = { code: 'MODEL_CHANGED', data: { path: paths[1] } }
    await expect(models.ready(model.sha256)).rejects.toMatchObject(other)
    await expect(models.ready(model.sha256)).rejects.toMatchObject(other)
    writeFileSync(paths[1]!, 'of another length')
    await expect(models.ready(model.sha256)).rejects.toMatchObject(other)
    rmSync(paths[1]!)
    expect(await models.files(model.sha256)).toEqual({ found: 'missing', path: paths[1] })
    await expect(models.ready(model.sha256)).rejects.toMatchObject({ code: 'MODEL_MISSING', data: { path: paths[1] } })
  })
})

describe('a stored model', () => {
  it('is hashed again when only its time changed, and stays the same model', async () => {
    const path = file('a.gguf', 'bytes')
    const models = start()
    const { model } = await imported(models, path)
    utimesSync(path, 1_000, 1_000)
    expect((await models.list())[0]?.state).toBe('changed')
    expect((await models.ready(model.sha256)).parts).toMatchObject([{ path, mtimeMs: 1_000_000, sha256: model.sha256 }])
    expect((await models.list())[0]?.state).toBe('ready')
  })

  it('is "changed" when other bytes of the same length lie there, and will not be loaded', async () => {
    const path = file('a.gguf', 'bytes')
    const models = start()
    const { model } = await imported(models, path)
    file('a.gguf', 'bites')
    utimesSync(path, 1_000, 1_000)
    await expect(models.ready(model.sha256)).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
    expect((await models.list())[0]?.state).toBe('changed')
    file('a.gguf', 'longer bytes')
    await expect(models.ready(model.sha256)).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
    renameSync(path, join(folder, 'away'))
    await expect(models.ready(model.sha256)).rejects.toMatchObject({ code: 'MODEL_MISSING' })
    await expect(models.ready('0'.repeat(64))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('of an earlier version is taken over as it lies there, and watched from then on', async () => {
    const path = file('a.gguf', 'bytes')
    const models = start()
    const { model } = await imported(models, path)
    rig.rigDb.tx((db) => db.prepare('UPDATE model_files SET ctime_ms = NULL, inode = NULL').run())
    expect((await models.list())[0]?.state).toBe('ready')
    expect(models.find(model.sha256)?.parts[0]?.inode).toBe(String(statSync(path).ino))
    const { mtimeMs } = statSync(path)
    writeFileSync(path, 'bites')
    utimesSync(path, mtimeMs / 1_000, mtimeMs / 1_000)
    expect((await models.files(model.sha256))?.found).toBe('changed')
    await expect(models.ready(model.sha256)).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
  })

  it('is removed from the list, not from the disk, and not while it is in use', async () => {
    const path = file('a.gguf', 'bytes')
    const models = start()
    const { model } = await imported(models, path)
    inUse = said('It is listed.')
    await expect(call(models.api.remove, { sha256: model.sha256 }, all)).rejects.toMatchObject({
      message: 'It is listed.',
      data: { code: 'MODEL_IN_USE' },
    })
    inUse = null
    expect(await call(models.api.remove, { sha256: model.sha256 }, all)).toEqual({ removed: true })
    expect(await call(models.api.remove, { sha256: model.sha256 }, all)).toEqual({ removed: false })
    expect(statSync(path).size).toBe(5)
  })
})

describe('bundled models', () => {
  it('are there after the start with their card, known ones without asking the engine again', async () => {
    file('bundled/nano.gguf', 'tiny')
    file('bundled/nano.md', '# Nano\nIt shows the machinery.')
    file('bundled/notes.txt', 'no model')
    const first = start()
    const started = first.start()
    expect(first.registering()).toBe(true)
    await started
    expect(first.registering()).toBe(false)
    const again = start()
    await again.start()
    expect(engines.inspections).toHaveLength(1)
    const [model] = await again.list()
    expect(model).toMatchObject({ bundled: true, card: '# Nano\nIt shows the machinery.', sha256: sha('tiny') })
    await expect(again.remove(model?.sha256 ?? '')).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('do not keep each other out, and take over a new card', async () => {
    file('bundled/a-broken.gguf', 'x')
    file('bundled/b-good.gguf', 'good')
    engines.shared.header = (path) => {
      if (path.includes('broken')) throw new StokerError('MODEL_NOT_GGUF', 'no')
      return {}
    }
    await start().start()
    file('bundled/b-good.md', 'new card')
    const again = start()
    await again.start()
    expect(await again.list()).toMatchObject([{ fileName: 'b-good.gguf', card: 'new card' }])
  })

  it('missing folder is no error', async () => {
    rmSync(join(folder, 'bundled'), { recursive: true })
    await expect(start().start()).resolves.toBeUndefined()
  })
})

describe('memory and names', () => {
  it.each([
    [8, 10, 'yes'],
    [8.1, 10, 'tight'],
    [10, 10, 'tight'],
    [10.1, 10, 'no'],
  ] as const)('%s of %s free: %s', (needed, free, fits) => expect(memoryFit(needed, free)).toBe(fits))

  it('a loaded model fits, whatever is free beside it', async () => {
    const models = start()
    engines.shared.header = () => ({ memory: { neededBytes: 50e9, freeBytes: 1, fits: 'no', method: 'estimate' } })
    const { model } = await imported(models, file('a.gguf', 'bytes'))
    expect(model.memory.fits).toBe('no')
    loaded = model.sha256
    expect((await models.list())[0]?.memory).toMatchObject({ fits: 'yes', method: 'estimate; loaded now' })
  })

  it.each([
    [' ', 'Qwen.Q4.gguf', 'Qwen.Q4'],
    [null, 'a.GGUF', 'a'],
    ['Nano', 'a.gguf', 'Nano'],
  ])('name %s, file %s: %s', (name, fileName, shown) => expect(modelName({ name, fileName })).toBe(shown))
})

describe('uploaded files, which lie in DIR/models', () => {
  const upload = (name: string, content: string): string => {
    mkdirSync(join(rig.dataDir, 'models'), { recursive: true })
    const path = join(rig.dataDir, 'models', name)
    writeFileSync(path, content)
    return path
  }
  const refuse = (): void => {
    engines.shared.header = () => {
      throw new StokerError('MODEL_NOT_GGUF', 'no')
    }
  }

  it('are deleted when their header is refused, by a look or an import; the owner’s own file never is', async () => {
    const models = start()
    refuse()
    for (const read of [
      (path: string) => call(models.api.inspect, { path }, all),
      (path: string) => imported(models, path),
    ]) {
      const [theirs, mine] = [upload('no.gguf', 'x'), file('mine.gguf', 'x')]
      for (const path of [theirs, mine])
        await expect(read(path)).rejects.toMatchObject({ data: { code: 'MODEL_NOT_GGUF' } })
      expect([existsSync(theirs), existsSync(mine)]).toEqual([false, true])
    }
  })

  it('are deleted when they end the reader, and kept as parts whose first may still come', async () => {
    const models = start()
    const [bad, part] = [upload('bad.gguf', 'x'), upload('m-00002-of-00002.gguf', 'x')]
    engines.shared.header = (path) => {
      if (path === bad) throw fail('gguf.aborts', { path })
      throw fail('gguf.splitPart', { path, no: 2, parts: 2, first: 'm-00001-of-00002.gguf' })
    }
    for (const path of [bad, part])
      await expect(imported(models, path)).rejects.toMatchObject({ data: { code: 'MODEL_UNSUPPORTED' } })
    expect([existsSync(bad), existsSync(part)]).toEqual([false, true])
  })

  it('are kept when it was the engine that failed', async () => {
    const models = start()
    engines.shared.header = () => {
      throw new StokerError('ENGINE_CRASHED', 'gone')
    }
    const path = upload('a.gguf', 'x')
    await expect(imported(models, path)).rejects.toMatchObject({ data: { code: 'ENGINE_CRASHED' } })
    expect(existsSync(path)).toBe(true)
  })

  it('are deleted when the model is there already, and not when it is the one that is listed', async () => {
    const models = start()
    const first = upload('a.gguf', 'same')
    const second = upload('b.gguf', 'same')
    await imported(models, first)
    expect((await imported(models, second)).model.path).toBe(first)
    await imported(models, first)
    refuse()
    await expect(imported(models, first)).rejects.toMatchObject({ data: { code: 'MODEL_NOT_GGUF' } })
    expect([existsSync(first), existsSync(second)]).toEqual([true, false])
  })

  it('go with their model, and the owner’s own file stays', async () => {
    const models = start()
    const [theirs, mine] = [upload('a.gguf', 'one'), file('b.gguf', 'two')]
    for (const path of [theirs, mine])
      expect(await models.remove((await imported(models, path)).model.sha256)).toBe(true)
    expect([existsSync(theirs), existsSync(mine)]).toEqual([false, true])
  })
})
