/**
 * What the real engine sees of two software devices (Mesa's lavapipe), beside drivers that say nothing: the message from
 * the host to the page. Skipped where there is no lavapipe. Catches: a struct of the engine read at a wrong place.
 */
import { readdirSync } from 'node:fs'

import { expect, it, onTestFinished, vi } from 'vitest'

import { createRecordedEvents } from '#core/events/index.ts'
import { createDevices, createHardware } from '#core/hardware/index.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { englishWords } from '#words/words.ts'
import { rigContext } from '#test/support/rig-context.ts'
import { until } from '#test/support/until.ts'

const ICDS = '/usr/share/vulkan/icd.d'
const hasLavapipe = ((): boolean => {
  try {
    return readdirSync(ICDS).some((name) => name.startsWith('lvp_'))
  } catch {
    return false
  }
})()

it.skipIf(!hasLavapipe)(
  'two software devices of exactly 2 GiB, which no driver knows (needs mesa-vulkan-drivers)',
  async () => {
    vi.stubEnv('GGML_VK_VISIBLE_DEVICES', '0,0')
    const rig = rigContext()
    const engines = createEngines({ fork: forkEngineChild, clock: systemClock, log: rig.log })
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await engines.stop()
      rig.dispose()
    })
    const devices = createDevices(
      { ...rig, clock: systemClock, engines, host: { mode: 'headless', notify: () => undefined } },
      {
        hardware: createHardware(rig, () =>
          Promise.resolve({
            hostname: 'h',
            os: null,
            cpu: null,
            cores: 2,
            memory: { total: 1, available: 1 },
            adapters: [],
          }),
        ),
        deployments: { allLoaded: () => [], engine: () => null, onChange: () => () => undefined },
        recorded: createRecordedEvents(rig),
        sensors: null,
      },
    )
    await until('the engine was asked', async () => (await devices.view()).devices.length === 2, 80_000)
    const { devices: seen } = await devices.view()
    for (const { name, engine, driver, notes } of seen) {
      expect(name).toMatch(/llvmpipe/)
      expect(engine).toMatchObject({ backend: 'Vulkan', integrated: false, memory: { totalBytes: 2_147_483_648 } })
      expect(driver).toBeNull()
      expect(notes.map(englishWords.say)).toEqual([
        'The engine sees it, and no driver says anything of it: heat, power and who else uses it are not known.',
      ])
    }
  },
)
