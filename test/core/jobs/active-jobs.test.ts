/**
 * The composed core with a fake engine and a scripted exchange: what one domain must know of another, at the moment it
 * happens.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { brandId, type ExamId } from '#contract/ids.ts'
import { createCore } from '#core/core.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { sha256Hex } from '#lib/canonical.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { FAKE_SPEC, FakeExchange, NANO_INSTRUMENT } from '#test/support/fake-exchange.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

const unread = { name: 'none', read: () => Promise.resolve(null) }

/** A core whose engine tells its counts late, as the real one does, and whose jobs wait. */
function composedCore() {
  const [dataDir, clock, exchange, log] = [tempDir(), new FakeClock(), new FakeExchange(), createLog('test')]
  log.level = 'silent'
  const engines = createFakeEngines({ make: () => createFakeEngine({ manual: true, stats: () => ({ running: 0 }) }) })
  const core = createCore({
    dataDir,
    clock,
    ids: countingIds(),
    log,
    host: { mode: 'headless', notify: () => undefined },
    drivers: { stoker: () => exchange.port() },
    engines,
    calibrateOnDeploy: false,
    signingKey: generateSigningKey(),
    version: '0',
    bundledModelsDir: join(dataDir, 'none'),
    powerSources: { gpu: unread, processor: unread },
  })
  core.start()
  onTestFinished(() => core.stop())
  return { dataDir, exchange, core }
}

describe('the composed core', () => {
  it('draws the power of serving from the first moment of a job (short jobs counted as idling, and cost nothing)', async () => {
    const { dataDir, exchange, core } = composedCore()
    exchange.online()
    exchange.deliverAll()
    await core.client.app.updateSettings({ wattsServing: 500, wattsIdle: 100 })
    const path = join(dataDir, 'fake.gguf')
    writeFileSync(path, 'a fake model')
    let sha256 = ''
    for await (const step of await core.client.models.import({ path }))
      if (step.kind === 'done') ({ sha256 } = step.model)
    const { deploymentId } = await core.client.models.deploy({ sha256, settings: { slots: 1 } })
    const started = core.client.exams.start({ venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId })
    await expect.poll(() => exchange.sent.some(({ t }) => t === 'exam.start')).toBe(true)
    const asked = exchange.sent.findLast((frame) => frame.t === 'exam.start')!
    const examId = brandId<ExamId>('exam_1')
    exchange.push({
      t: 'exam.started',
      requestId: asked.requestId,
      examId,
      spec: FAKE_SPEC,
      commitment: sha256Hex('seed'),
      attempt: 1,
      resumed: false,
      carried: {},
    })
    exchange.deliverAll()
    await started
    expect((await core.client.app.power()).watts?.value).toBe(100)
    exchange.job({ examId, itemId: 'arith/1/0', price: 0 })
    exchange.deliverAll()
    await settle()
    expect((await core.client.app.power()).watts?.value).toBe(500)
  })
})
