import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import { brandId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import type { LoadedDeployment } from '#core/core-context.ts'
import { catalogue, type CatalogueDeployment, type CatalogueModel } from '#core/own-use/model-catalogue.ts'
import { createOwnUse, type OwnUseDeployments } from '#core/own-use/index.ts'
import type { EndpointOptions, EndpointPort } from '#core/own-use/own-use.port.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { apiErrorOf } from '#endpoint/endpoint-errors.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { randomIds } from '#lib/id-source.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { inEnglish } from '#test/support/in-english.ts'

const all = { context: { scopes: ALL_SCOPES } }
const sha = (letter: string): ModelSha256 => letter.repeat(64) as ModelSha256

let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => rig.dispose())

/** Opens nothing; says a problem when told to. */
function fakeEndpoint(): EndpointPort & { opened: EndpointOptions[]; open_: number; problem: string | null } {
  return {
    opened: [],
    open_: 0,
    problem: null,
    async open(options) {
      if (this.problem !== null) throw new StokerError('UNAVAILABLE', this.problem)
      this.opened.push(options)
      this.open_ += 1
      return { url: `http://127.0.0.1:${options.port}/v1`, close: async () => void (this.open_ -= 1) }
    },
  }
}

function fakeDeployments() {
  const engine = createFakeEngine()
  const inMemory = new Set<string>()
  const list: Deployment[] = []
  const calls: string[] = []
  const listeners = new Set<() => void>()
  const add = (deploymentId: string, of: ModelSha256, createdAt: number): void =>
    void list.push({
      deploymentId: brandId(deploymentId),
      sha256: of,
      modelName: 'remote-7b',
      createdAt,
      settings: { contextTokens: 1_000 + createdAt },
    } as Deployment)
  const service: OwnUseDeployments = {
    list: () => list,
    loaded: (deploymentId) =>
      inMemory.has(deploymentId)
        ? ({ deploymentId, model: { contextTokens: 777 } } as unknown as LoadedDeployment)
        : null,
    async ensureLoaded(deploymentId) {
      calls.push(`load ${deploymentId}`)
      inMemory.add(deploymentId)
      return { sha256: sha('a'), contextTokens: 777, slots: 1, engine: '', device: '' }
    },
    async deploy(of) {
      calls.push(`deploy ${of[0]}`)
      add('dep_new', of as ModelSha256, 50)
      rig.events.changed('deployments')
      inMemory.add('dep_new')
      return list.at(-1)!
    },
    engine: (deploymentId) => (inMemory.has(deploymentId) ? engine : null),
    used: (deploymentId) => void calls.push(`used ${deploymentId}`),
    allLoaded: () => list.flatMap(({ deploymentId }) => service.loaded(deploymentId) ?? []),
    onChange: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
  }
  const changed = (): void => listeners.forEach((listener) => listener())
  return { service, add, inMemory, changed, calls, engine }
}

function insertModel(of: ModelSha256, name: string | null, fileName: string, addedAt: number): void {
  const { rigDb } = rig
  rigDb.tx((db) =>
    db
      .prepare(
        `INSERT INTO models (sha256, path, file_name, size_bytes, mtime_ms, added_at, bundled, architecture, quantisation, context_tokens, has_chat_template, name, needed_bytes, needed_method)
         VALUES (?, ?, ?, 1, 1, ?, 0, 'llama', 'Q8_0', 8192, 1, ?, 1, 'test')`,
      )
      .run(of, `/${fileName}`, fileName, addedAt, name),
  )
  rig.events.changed('models')
}

describe('switching own use on and off', () => {
  it('listens nowhere before the owner says so and has a key (a fresh Stoker must not open a port)', async () => {
    const endpoint = fakeEndpoint()
    const own = createOwnUse(rig, fakeDeployments().service, endpoint)
    own.start()
    await own.change({})
    expect(await call(own.api.ownUse, undefined, all)).toEqual({
      enabled: false,
      port: 8_790,
      url: null,
      problem: null,
      keyMadeAt: null,
    })
    expect(inEnglish(await call(own.api.setOwnUse, { enabled: true }, all))).toMatchObject({
      enabled: true,
      url: null,
      problem: expect.stringContaining('key') as string,
    })
    expect(endpoint.opened).toEqual([])
    await call(own.api.ownUseKey, undefined, all)
    expect(own.view()).toMatchObject({ url: 'http://127.0.0.1:8790/v1', problem: null, keyMadeAt: rig.clock.now() })
    await call(own.api.setOwnUse, { port: 9_000 }, all)
    expect({ open: endpoint.open_, url: own.view().url }).toEqual({ open: 1, url: 'http://127.0.0.1:9000/v1' })
    await call(own.api.setOwnUse, { enabled: false }, all)
    expect({ open: endpoint.open_, url: own.view().url }).toEqual({ open: 0, url: null })
    expect(rig.changes.filter((topic) => topic === 'own-use').length).toBe(6)
    await own.stop()
  })

  it('keeps a hash of the key and nothing else of it; a new key ends the old one at once', async () => {
    const endpoint = fakeEndpoint()
    const own = createOwnUse({ ...rig, ids: randomIds(() => 0) }, fakeDeployments().service, endpoint)
    const { key: first } = await call(own.api.ownUseKey, undefined, all)
    expect(first).toMatch(/^sk-own-[A-Za-z0-9_-]{43}$/)
    await own.change({ enabled: true })
    const { accepts } = endpoint.opened[0]!
    expect([first, `${first} `, '', 'sk-own-'].map(accepts)).toEqual([true, false, false, false])
    const second = await own.renewKey()
    expect([first, second].map(accepts)).toEqual([false, true])
    const row = rig.rigDb.read.prepare<Record<string, unknown>>('SELECT * FROM own_use').get()
    expect(row).toEqual({
      id: 1,
      enabled: 1,
      port: 8_790,
      key_hash: createHash('sha256').update(second).digest('hex'),
      made_at: rig.clock.now(),
    })
    expect(endpoint.opened.length).toBe(1)
    await own.stop()
  })

  it('comes back after a restart, and a taken port is a problem told and no failure of the start', async () => {
    const before = createOwnUse(rig, fakeDeployments().service, fakeEndpoint())
    await before.renewKey()
    await before.change({ enabled: true, port: 9_000 })
    await before.stop()
    const endpoint = fakeEndpoint()
    endpoint.problem = 'port 9000 is taken'
    const after = createOwnUse(rig, fakeDeployments().service, endpoint)
    after.start()
    await after.change({})
    expect(inEnglish(after.view())).toMatchObject({
      enabled: true,
      port: 9_000,
      url: null,
      problem: 'port 9000 is taken',
    })
    endpoint.problem = null
    expect(await after.change({ enabled: true })).toMatchObject({ url: 'http://127.0.0.1:9000/v1', problem: null })
    await after.stop()
    expect(endpoint.open_).toBe(0)
  })

  it('says so when another program has the port (the real listener)', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    onTestFinished(() => void other.close())
    const own = createOwnUse(rig, fakeDeployments().service, createEndpoint(rig))
    await own.renewKey()
    expect(inEnglish(await own.change({ enabled: true, port: (other.address() as AddressInfo).port }))).toMatchObject({
      url: null,
      problem: expect.stringContaining('taken by another program') as string,
    })
    await own.stop()
  })

  it('two changes at once end with the last one open, once', async () => {
    const endpoint = fakeEndpoint()
    const own = createOwnUse(rig, fakeDeployments().service, endpoint)
    await own.renewKey()
    await Promise.all([own.change({ enabled: true }), own.change({ port: 9_001 }), own.change({ port: 9_002 })])
    expect({ open: endpoint.open_, url: own.view().url }).toEqual({ open: 1, url: 'http://127.0.0.1:9002/v1' })
    await own.stop()
  })
})

describe('names of models', () => {
  const model = (of: string, name: string | null, fileName: string, addedAt: number): CatalogueModel => ({
    sha256: sha(of),
    name,
    fileName,
    contextTokens: null,
    addedAt,
  })
  const deployment = (id: string, of: string, createdAt: number): CatalogueDeployment => ({
    deploymentId: brandId(id),
    sha256: sha(of),
    modelName: 'Nano',
    createdAt,
    settings: { contextTokens: createdAt },
  })

  it('are unique and stay with the older model (a second import must not redirect a client)', () => {
    const both = catalogue(
      [model('b', 'Nano', 'b.gguf', 2), model('a', 'Nano', 'a.gguf', 1)],
      [deployment('r', 'c', 3)],
    )
    expect(both.entries.map(({ id, sha256 }) => [id, sha256[0]])).toEqual([
      ['Nano', 'a'],
      ['Nano@bbbbbbbb', 'b'],
      ['Nano@cccccccc', 'c'],
    ])
    expect(catalogue([model('a', 'Nano', 'a.gguf', 1)], []).entries[0]!.id).toBe('Nano')
  })

  it('are also the file’s, unless another model is called so', () => {
    const { byName } = catalogue(
      [model('a', null, 'x.gguf', 1), model('b', 'Bee', 'x.gguf', 2), model('c', 'b.gguf', 'c.GGUF', 3)],
      [],
    )
    expect(['x', 'x.gguf', 'Bee', 'b.gguf', 'c', 'c.GGUF'].map((name) => byName.get(name)?.sha256[0])).toEqual([
      'a',
      'a',
      'b',
      'c',
      'c',
      'c',
    ])
  })

  it('have the context of the newest deployment, else a modest one', () => {
    const { entries } = catalogue(
      [model('a', 'A', 'a.gguf', 1), { ...model('b', 'B', 'b.gguf', 2), contextTokens: 100_000 }],
      [deployment('old', 'a', 5), deployment('new', 'a', 6)],
    )
    expect(
      entries.map(({ contextTokens, deployments }) => [contextTokens, deployments[0]?.deploymentId ?? null]),
    ).toEqual([
      [6, 'new'],
      [4_096, null],
    ])
  })
})

describe('the models of the rig', () => {
  it('are not loaded for a request after the machine was given back: a final answer, which clients do not repeat, until the owner loads something', async () => {
    const { service, add, inMemory, changed, calls, engine } = fakeDeployments()
    const own = createOwnUse(rig, service, null)
    insertModel(sha('a'), 'Alpha', 'alpha.gguf', 1_000)
    insertModel(sha('b'), 'Beta', 'beta.gguf', 2_000)
    add('dep_b', sha('b'), 1)
    own.givenBack.remember()
    changed()
    for (const name of ['Alpha', 'Beta']) {
      const error = await own.service.engine(name).catch((reason: unknown) => reason)
      // The official clients repeat 408, 409, 429 and 5xx.
      expect([error, apiErrorOf(error).status]).toMatchObject([
        { code: 'FORBIDDEN', message: expect.stringContaining('Load') as string },
        403,
      ])
    }
    expect(calls).toEqual([])
    inMemory.add('dep_b')
    changed()
    expect(await own.service.engine('Beta')).toBe(engine)
    inMemory.delete('dep_b')
    changed()
    expect(await own.service.engine('Alpha')).toBe(engine)
    expect(calls).toEqual(['deploy a'])
    await own.stop()
  })

  it('are offered loaded ones first, and are loaded or deployed when asked for', async () => {
    const { service, add, inMemory, calls, engine } = fakeDeployments()
    const own = createOwnUse(rig, service, null)
    insertModel(sha('a'), 'Alpha', 'alpha.gguf', 1_000)
    insertModel(sha('b'), 'Beta', 'beta.gguf', 2_000)
    add('dep_b_old', sha('b'), 1)
    add('dep_b_new', sha('b'), 2)
    add('dep_remote', sha('c'), 3)
    rig.events.changed('deployments')
    inMemory.add('dep_b_old')
    expect(own.service.models()).toEqual([
      { id: 'Beta', contextTokens: 777, created: 2, loaded: true },
      { id: 'remote-7b', contextTokens: 1_003, created: 0, loaded: false },
      { id: 'Alpha', contextTokens: 4_096, created: 1, loaded: false },
    ])
    // The one in memory serves, whatever its settings; nothing is loaded twice.
    expect(await own.service.engine('Beta')).toBe(engine)
    own.service.used('Beta')
    expect(calls).toEqual(['used dep_b_old'])
    inMemory.clear()
    await own.service.engine('Beta')
    await own.service.engine('remote-7b')
    await own.service.engine('Alpha')
    expect(calls.slice(1)).toEqual(['load dep_b_new', 'load dep_remote', 'deploy a'])
    expect(own.service.find('alpha')).toMatchObject({ id: 'Alpha', loaded: true })
    expect(own.service.find('nobody')).toBeNull()
    await expect(own.service.engine('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await own.stop()
  })
})
