/**
 * A machine that was given back stays its owner's through a restart and a crash. Catches: a chat client that asks again after one and takes the GPU that its owner has
 * sent Stoker out of; a machine that stays closed to own use after its owner loaded something.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createHandBack } from '#core/jobs/hand-back.ts'
import { createOwnUse } from '#core/own-use/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { openDb } from '#db/open.ts'
import { fakeModelEngines } from '#test/core/deployments/fake-engine.ts'
import { addModel, startDeployments } from '#test/core/deployments/rig.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const MODEL = 'Fake 7B'
const NOTHING = { handedOff: 0, failed: 0, lostNano: 0, lostTokens: 0 }

let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => {
  rig.rigDb.close()
  rig.dispose()
})

/** Deployments, own use and giving back on rig.db, as the core puts them together. */
function start() {
  const engines = fakeModelEngines()
  const { deployments, ...rest } = startDeployments(rig, engines)
  const own = createOwnUse(rig, deployments, null)
  const { handBack } = createHandBack(rig, {
    jobs: { live: () => [], yieldAll: () => NOTHING },
    listings: { pauseAll: () => [], wanted: () => false, drained: () => true },
    exams: { examining: () => null, giveUp: () => undefined },
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
function crash(before: ReturnType<typeof start>): ReturnType<typeof start> {
  before.deployments.stop()
  rig.rigDb.close()
  rig = { ...rig, rigDb: openDb({ path: `${rig.dataDir}/rig.db`, migrations: rigMigrations }) }
  return start()
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
})
