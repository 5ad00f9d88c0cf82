/**
 * A machine that was given back stays its owner's through a restart and a crash. Catches: a chat client that asks again
 * after one and takes the GPU that its owner has sent Stoker out of; a model that waited, failed or was away at that
 * moment and comes back by itself; a full disk that keeps the memory; a machine that stays closed to own use after its
 * owner loaded something.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { setWanted } from '#core/deployments/deployments.store.ts'
import { createHandBack } from '#core/jobs/hand-back.ts'
import { createOwnUse } from '#core/own-use/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { openDb } from '#db/open.ts'
import { fakeModelEngines, type FakeModelEngines } from '#test/core/deployments/fake-deployment-engine.ts'
import { addModel, startDeployments } from '#test/core/deployments/deployments-rig.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { rest, until } from '../../support/until.ts'
import { VENUE_FACTS } from '#test/support/venue.ts'

const MODEL = 'Fake 7B'
const NOTHING = { handedOff: 0, failed: 0, sellerNano: 0, lostTokens: 0 }

let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => {
  rig.rigDb.close()
  rig.dispose()
})

/** Deployments, own use and giving back on rig.db, as the core puts them together. */
function start(prepare: (engines: FakeModelEngines) => void = () => undefined) {
  const engines = fakeModelEngines()
  prepare(engines)
  const { deployments, ...rest } = startDeployments(rig, engines)
  const own = createOwnUse(rig, deployments, null)
  const { handBack } = createHandBack(rig, {
    venues: [
      {
        context: VENUE_FACTS,
        jobs: { live: () => [], yieldAll: () => NOTHING },
        listings: { pauseAll: () => [], wanted: () => false, drained: () => true },
        exams: { examining: () => null, giveUp: () => undefined },
      },
    ],
    deployments,
    remember: () => own.givenBack.remember(),
  })
  deployments.start()
  const asks = (): Promise<unknown> =>
    own.service.engine(MODEL).then(
      () => 'served',
      ({ code }: { code: string }) => code,
    )
  return { engines, deployments, handBack, asks, own, ...rest }
}

/** Nothing is told to end, as when the power goes; then the database is opened anew. */
function crash(
  before: ReturnType<typeof start>,
  prepare?: (engines: FakeModelEngines) => void,
): ReturnType<typeof start> {
  before.deployments.stop()
  rig.rigDb.close()
  rig = { ...rig, rigDb: openDb({ path: `${rig.dataDir}/rig.db`, migrations: rigMigrations }) }
  return start(prepare)
}

/** What the database says to any such change, as on a full disk. */
const refuse = (change: string): void => {
  rig.rigDb.tx((db) =>
    db
      .prepare(
        `CREATE TRIGGER full_${change.replaceAll(' ', '_')} BEFORE ${change} BEGIN SELECT RAISE(ABORT, 'disk full'); END`,
      )
      .run(),
  )
}
const failWith = (error: Error) => () => {
  throw error
}

describe('a machine given back', () => {
  it('is not taken again after a restart, by nothing that was loaded and by no request of own use, until its owner loads something', async () => {
    const first = start()
    const sha256 = await addModel(first, 'a.gguf')
    await first.deployments.deploy(sha256, {})
    expect(await first.asks()).toBe('served')
    expect(await first.handBack('now')).toMatchObject({ unloaded: 1 })
    expect(await first.asks()).toBe('FORBIDDEN')

    const second = crash(first)
    await settle()
    expect(await second.asks()).toBe('FORBIDDEN')
    expect(second.engines.loads()).toEqual([])

    await second.deployments.deploy(sha256, {})
    expect(await second.asks()).toBe('served')
    await second.deployments.unload(second.deployments.list()[0]!.deploymentId)

    const third = crash(second)
    await settle()
    expect(third.engines.loads()).toEqual([])
    expect(await third.asks()).toBe('served')
    expect(third.engines.loads()).toHaveLength(1)
  })

  it('is remembered before its engines end: a crash meanwhile does not give it to the next request', async () => {
    const first = start()
    await first.deployments.deploy(await addModel(first, 'a.gguf'), {})
    first.engines.release = () => new Promise(() => undefined)
    void first.handBack('now')
    await settle()
    const second = crash(first)
    expect(await second.asks()).toBe('FORBIDDEN')
    expect(second.engines.loads()).toEqual([])
  })

  it.each([
    ['waits for its turn to load', () => new Promise<void>(() => undefined)],
    ['could not be loaded', failWith(new StokerError('ENGINE_LOAD_FAILED', 'no'))],
  ])('forgets a model that %s too: a restart loads nothing and own use stays closed', async (_why, onLoad) => {
    const first = start()
    for (const name of ['a.gguf', 'b.gguf']) await first.deployments.deploy(await addModel(first, name), {})
    expect(first.deployments.allLoaded()).toHaveLength(2)
    const second = crash(first, (engines) => void (engines.shared.onLoad = onLoad))
    await until('the first load', () => second.engines.loads().length > 0)
    await rest()
    await second.handBack('now')

    const third = crash(second)
    await rest()
    expect(third.engines.loads()).toEqual([])
    expect(await third.asks()).toBe('FORBIDDEN')
  })

  it('is not taken by a remote server that was away and answers again', async () => {
    const first = start()
    const { deploymentId } = await first.deployments.connectRemote({
      model: 'm',
      contextTokens: 4_096,
      endpoints: [{ url: 'http://gpu1.lab', key: null, slots: 4 }],
    })
    const second = crash(
      first,
      (engines) => void (engines.shared.onLoad = failWith(new StokerError('ENGINE_UNREACHABLE', 'nobody answers'))),
    )
    const state = () => second.deployments.list().find((one) => one.deploymentId === deploymentId)?.state
    await until('the connection to fail', () => state() === 'failed')
    await second.handBack('now')
    expect(state()).toBe('stopped')
    second.engines.shared.onLoad = () => undefined
    const before = second.engines.loads().length
    await rig.clock.advance(60_000)
    expect(second.engines.loads()).toHaveLength(before)
    expect(second.own.givenBack.holds()).toBe(true)
    second.deployments.stop()
  })

  it('is remembered together with what it forgets: a crash right after it leaves nothing to load', async () => {
    const first = start()
    const { deploymentId } = await first.deployments.deploy(await addModel(first, 'a.gguf'), {})
    first.own.givenBack.remember()
    const row = rig.rigDb.read
      .prepare<{ wanted: number | null }>('SELECT wanted_since AS wanted FROM deployments')
      .get()
    expect(row).toEqual({ wanted: null })
    // Nor does a start load what a crash left as wanted beside it.
    rig.rigDb.tx((db) => setWanted(db, deploymentId, 1))
    const second = crash(first)
    await rest()
    expect(second.engines.loads()).toEqual([])
    expect(await second.asks()).toBe('FORBIDDEN')
  })

  it('has its memory also where nothing can be stored', async () => {
    const core = start()
    await core.deployments.deploy(await addModel(core, 'a.gguf'), {})
    refuse('UPDATE ON deployments')
    expect(await core.handBack('now')).toMatchObject({ unloaded: 1 })
    expect(core.engines.made.size).toBe(0)
    expect(await core.asks()).toBe('FORBIDDEN')
  })

  it('is taken again by a load that cannot be stored: the load succeeded', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf')
    await core.deployments.deploy(sha256, {})
    await core.handBack('now')
    refuse('DELETE ON given_back')
    expect(await core.deployments.deploy(sha256, {})).toMatchObject({ state: 'loaded' })
    expect(await core.asks()).toBe('served')
  })
})
