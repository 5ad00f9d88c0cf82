/** Case 12 of a rig: the engine's process is stopped (SIGSTOP) under a rig that sells, and goes on later. */
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Live } from '#contract/app.ts'
import { auditRig } from '#cli/audit/audit.ts'
import { startBuyers, type Buyers } from '#test/support/buyers.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { listNano } from '#test/support/listed-rig.ts'
import { isAlive } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'
import { until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

import { ENGINE_STOPPED_S, SUITE_MS } from './counts.ts'

const folder = temporaryFolder()
let rig: Rig
let buyers: Buyers

beforeAll(async () => {
  rig = await startRig({ dir: folder.path, args: ['--no-practice-buyer'] })
  const key = (await stoker(['buyer-key', '--data', folder.path])).stdout.trim()
  // An attempt turns a good model away one time in twenty.
  await listNano(rig.client, { slots: 2 }).catch(() => listNano(rig.client, { slots: 2 }))
  buyers = startBuyers({ exchangeUrl: () => rig.exchangeUrl, key, atOnce: 2, seed: 'stopped-engine' })
  await buyers.more(2)
}, SUITE_MS)
afterAll(async () => {
  await buyers.stop()
  await rig.stop()
  folder.remove()
}, 180_000)

const listing = async () => (await rig.client.market.listings({ venueId: VENUE }))[0]!
async function engineNow(): Promise<Live['engine']> {
  for await (const { engine } of await rig.client.app.live()) return engine
  throw new Error('no live value')
}

describe.skipIf(process.platform === 'win32')('an engine that is stopped', () => {
  it(
    `for ${ENGINE_STOPPED_S} s is seen within 5 s, is not called running, sells nothing, and sells again when it goes on or was replaced`,
    async () => {
      const [deployment] = await rig.client.models.deployments()
      const pid = deployment!.processes[0]!.pid!
      process.kill(pid, 'SIGSTOP')
      const from = performance.now()
      try {
        await until('the offer’s withdrawal', async () => (await listing()).state !== 'listed', 30_000)
        const tookMs = performance.now() - from
        expect((await listing()).reason.code).toMatch(/^breaker\./)
        expect(await engineNow()).toMatchObject({ kind: 'silent' })
        const { stdout, code } = await stoker(['status', '--data', folder.path])
        expect([code, stdout]).toEqual([0, expect.stringContaining('has said nothing for')])
        await sleep(Math.max(0, ENGINE_STOPPED_S * 1_000 - (performance.now() - from)))
        expect((await listing()).state).not.toBe('listed')
        expect(tookMs).toBeLessThan(5_000)
      } finally {
        // Its watchdog may have replaced it by now: a host with jobs is silent for a minute at most.
        if (isAlive(pid)) process.kill(pid, 'SIGCONT')
      }
      await until('listed again', async () => (await listing()).state === 'listed', 90_000)
      const before = buyers.finished()
      await until('a sale', () => buyers.finished() > before, 60_000)
      await buyers.stop()
      await until('books that agree', () => auditRig(folder.path).ours.open === 0, 90_000)
      expect(auditRig(folder.path).problems).toEqual([])
    },
    SUITE_MS,
  )
})
