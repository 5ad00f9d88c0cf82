import { said, type Reason } from '#contract/reasons.ts'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { supplierFrame } from '#contract/supplier.ts'
import { identityOf } from '#core/deployments/engine-identity.ts'
import { baseUrl, remoteName, remoteSha256, toRemote } from '#core/deployments/remote-deployment.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { inEnglish } from '#test/support/in-english.ts'

import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'
import { addModel, startDeployments } from './deployments-rig.ts'
import { until } from '../../support/until.ts'

const all = { context: { scopes: ALL_SCOPES } }
const KEY = 'sk-very-secret-0123456789'
const requested = {
  model: 'llama-70b',
  contextTokens: 8_192,
  endpoints: [
    { url: 'https://gpu2.lab:8000/v1/', key: KEY, slots: 8 },
    { url: 'http://gpu1.lab:8000', key: null, slots: 4 },
  ],
}

let rig: RigContext
let engines: FakeModelEngines
let inUse: Reason | null
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
  inUse = null
})
afterEach(() => rig.dispose())

const start = () => startDeployments(rig, engines, { inUse: () => inUse })
const keyFile = () => join(rig.dataDir, 'remote-keys.json')

describe('a deployment on remote servers', () => {
  it('is stored, loaded and shown without its keys, which lie in a file of their own', async () => {
    const core = start()
    const made = await call(core.deployments.api.connectRemote, requested, all)
    expect(made).toMatchObject({
      state: 'loaded',
      modelName: 'llama-70b on gpu2.lab:8000 and gpu1.lab:8000',
      settings: { contextTokens: 8_192, slots: 12 },
      engine: {
        kind: 'remote',
        model: 'llama-70b',
        endpoints: [
          { url: 'https://gpu2.lab:8000', hasKey: true, slots: 8 },
          { url: 'http://gpu1.lab:8000', hasKey: false, slots: 4 },
        ],
      },
    })
    expect(engines.kinds.get(made.deploymentId)).toEqual({
      kind: 'remote',
      model: 'llama-70b',
      contextTokens: 8_192,
      endpoints: [
        { url: 'https://gpu2.lab:8000', key: KEY, slots: 8 },
        { url: 'http://gpu1.lab:8000', key: null, slots: 4 },
      ],
    })
    expect(core.deployments.find(made.deploymentId)?.remote).toEqual({
      endpoint: 'https://gpu2.lab:8000 http://gpu1.lab:8000',
      reportedModel: 'llama-70b',
    })
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600)
    expect(JSON.stringify(core.deployments.list())).not.toContain(KEY)
    for (const name of ['rig.db', 'rig.db-wal'])
      if (existsSync(join(rig.dataDir, name))) expect(readFileSync(join(rig.dataDir, name)).includes(KEY)).toBe(false)
  })

  it('comes back after a restart with its keys, and is one deployment however often it is connected', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.connectRemote(requested)
    core.deployments.stop()
    engines = fakeModelEngines()
    const after = start()
    after.deployments.start()
    await until('it to be connected again', () => after.deployments.loaded(deploymentId) !== null)
    expect(engines.kinds.get(deploymentId)).toMatchObject({ endpoints: [{ key: KEY }, { key: null }] })
    // Another key and other shares of the same slots: the engine is made anew.
    const again = await after.deployments.connectRemote({
      ...requested,
      endpoints: [
        { ...requested.endpoints[1]!, slots: 6 },
        { ...requested.endpoints[0]!, slots: 6, key: 'other' },
      ],
    })
    expect(again).toMatchObject({ deploymentId, state: 'loaded' })
    expect(engines.released).toEqual([deploymentId])
    expect(engines.kinds.get(deploymentId)).toMatchObject({ endpoints: [{ slots: 6 }, { slots: 6, key: 'other' }] })
    // The owner loads it like any other.
    await after.deployments.unload(deploymentId)
    expect(await after.deployments.deploy(again.sha256, {})).toMatchObject({ deploymentId, state: 'loaded' })
    after.deployments.stop()
  })

  it('is never unloaded to make room: it takes none', async () => {
    const core = start()
    await core.deployments.connectRemote(requested)
    engines.shared.header = () => ({ memory: { neededBytes: 2, freeBytes: 1, fits: 'no', method: 'm' } })
    await expect(core.deployments.deploy(await addModel(core, 'a.gguf'), { slots: 1 })).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
    })
    expect(core.deployments.allLoaded()).toHaveLength(1)
  })

  it.each([
    new StokerError('ENGINE_UNREACHABLE', 'nobody answers'),
    new StokerError('ENGINE_BUSY', 'loading its model (503)', { data: { status: 503 } }),
    new StokerError('ENGINE_CRASHED', 'a proxy without a server behind it (502)', { data: { status: 502 } }),
    new StokerError('ENGINE_REFUSED', 'no such model yet (404)', { data: { status: 404, endpoint: true } }),
  ])(
    'whose servers are away or start themselves ($code) comes back when they do, and the owner need not ask',
    async (away) => {
      const { deploymentId } = await start().deployments.connectRemote(requested)
      engines = fakeModelEngines()
      engines.shared.onLoad = () => {
        throw away
      }
      const core = start()
      core.deployments.start()
      await until('the connection to fail', () => core.deployments.list()[0]?.state === 'failed')
      await rig.clock.advance(15_000)
      await until(
        'the second try to fail',
        () => engines.loads().length === 2 && core.deployments.list()[0]?.state === 'failed',
      )
      engines.shared.onLoad = () => undefined
      await rig.clock.advance(15_000)
      await until('it to be connected', () => core.deployments.loaded(deploymentId) !== null)
      expect(engines.loads()).toHaveLength(3)
      core.deployments.stop()
    },
  )

  it('that refuses the request itself is not asked again and again', async () => {
    await start().deployments.connectRemote(requested)
    engines = fakeModelEngines()
    engines.shared.onLoad = () => {
      throw new StokerError('ENGINE_REFUSED', 'no (400)', { data: { status: 400 } })
    }
    const core = start()
    core.deployments.start()
    await until('the connection to fail', () => core.deployments.list()[0]?.state === 'failed')
    await rig.clock.advance(60_000)
    expect(engines.loads()).toHaveLength(1)
    core.deployments.stop()
  })

  it('says why a server cannot be used, and is kept for another try', async () => {
    const core = start()
    engines.shared.onLoad = () => {
      throw new StokerError(
        'ENGINE_UNREACHABLE',
        'gpu1.lab:8000 does not answer; start the server or check its address.',
      )
    }
    await expect(core.deployments.connectRemote(requested)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    expect(inEnglish(core.deployments.list())).toMatchObject([
      { state: 'failed', detail: 'gpu1.lab:8000 does not answer; start the server or check its address.' },
    ])
    engines.shared.onLoad = () => undefined
    expect(await core.deployments.deploy(core.deployments.list()[0]?.sha256 ?? '', {})).toMatchObject({
      state: 'loaded',
    })
  })

  it('is removed like a model, with keys nobody needs any more, but not while it is listed', async () => {
    const core = start()
    const { sha256 } = await core.deployments.connectRemote(requested)
    const second = await core.deployments.connectRemote({
      ...requested,
      model: 'other',
      endpoints: [requested.endpoints[1]!],
    })
    inUse = said('It is listed.')
    await expect(core.models.remove(sha256)).rejects.toMatchObject({ code: 'MODEL_IN_USE' })
    inUse = null
    expect(await core.models.remove(sha256)).toBe(true)
    expect(core.deployments.list().map(({ deploymentId }) => deploymentId)).toEqual([second.deploymentId])
    expect(existsSync(keyFile())).toBe(false)
    expect(await core.models.remove(sha256)).toBe(false)
  })

  it('lists a server’s models by its base address', async () => {
    const asked: unknown[] = []
    engines.listing = async (endpoint) => {
      asked.push(endpoint)
      return [{ id: 'm', contextTokens: null }]
    }
    expect(await call(start().deployments.api.remoteModels, { url: 'http://gpu1.lab:8000/v1', key: KEY }, all)).toEqual(
      [{ id: 'm', contextTokens: null }],
    )
    expect(asked).toEqual([{ url: 'http://gpu1.lab:8000', key: KEY }])
  })
})

describe('addresses and identity', () => {
  it.each([
    ['http://a:1/v1/', 'http://a:1'],
    [' https://a.example/proxy/v1 ', 'https://a.example/proxy'],
    ['HTTP://A:80', 'http://a'],
  ])('%s is %s', (typed, url) => expect(baseUrl(typed)).toBe(url))

  it.each(['ftp://a', 'a:1', 'http://', 'http://me:secret@a', 'http://a/?key=1', 'http://a/#x'])(
    '%s is refused',
    (typed) => expect(() => baseUrl(typed)).toThrow(StokerError),
  )

  it('refuses a server twice and more than 64 slots', () => {
    const server = { url: 'http://a:1', key: null, slots: 1 }
    expect(() => toRemote('m', [server, { ...server, url: 'http://a:1/v1' }])).toThrow('twice')
    expect(() =>
      toRemote('m', [
        { ...server, slots: 64 },
        { ...server, url: 'http://b' },
      ]),
    ).toThrow('64 slots')
  })

  it('the exchange is told that nothing attests it, in a frame it takes', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.connectRemote(requested)
    const loaded = core.deployments.loaded(deploymentId)!
    const identity = identityOf(loaded, loaded.model)
    expect(identity).toEqual({
      kind: 'remote',
      sha256: loaded.sha256,
      endpoint: 'https://gpu2.lab:8000 http://gpu1.lab:8000',
      reportedModel: 'llama-70b',
      attested: false,
      engine: 'fake 1',
      device: 'fake CPU',
    })
    expect(
      supplierFrame.parse({
        t: 'exam.start',
        requestId: 'r',
        instrument: 'practice/text-nano',
        deploymentId,
        identity,
        slots: 1,
      }),
    ).toMatchObject({ identity })
    expect(identityOf({ sha256: loaded.sha256 }, loaded.model)).toEqual({
      kind: 'gguf',
      sha256: loaded.sha256,
      engine: 'fake 1',
      device: 'fake CPU',
    })
  })

  it('model and servers make the identity; their order, slots and keys do not', () => {
    const servers = [
      { url: 'http://a', slots: 1 },
      { url: 'http://b', slots: 2 },
    ]
    const sha256 = remoteSha256({ model: 'm', servers })
    expect(remoteSha256({ model: 'm', servers: servers.toReversed().map((server) => ({ ...server, slots: 9 })) })).toBe(
      sha256,
    )
    expect(remoteSha256({ model: 'n', servers })).not.toBe(sha256)
    expect(remoteSha256({ model: 'm', servers: servers.slice(1) })).not.toBe(sha256)
    expect(remoteName({ model: 'm', servers: [...servers, { url: 'http://c', slots: 1 }] })).toBe('m on a and 2 more')
  })
})
