/**
 * A part of a split model is overwritten in place, with the same size, while it is listed and sold; then its engine is
 * killed. Nothing is sold under the old hash from the moment the change is seen (models.md 1 and 3).
 */
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import { firstVenue, until } from '#cli/demo/demo-loop.ts'
import { startBuyers, type Buyers } from '#test/support/buyers.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { partName, splitGguf } from '#test/support/gguf-file.ts'
import { listNano } from '#test/support/listed-rig.ts'
import { hostOf, isAlive } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'

import { SUITE_MS } from './counts.ts'

/** From the change to the withdrawal of the offer. */
const STOPPED_MS = 5_000
/** For what is not measured here: a reload, a sync. */
const SLOW_MS = 120_000
const NANO = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
const folder = temporaryFolder()
const files = temporaryFolder()
const parts = [0, 1].map((no) => join(files.path, partName('nano', no, 2)))
let rig: Rig
let buyers: Buyers

beforeAll(async () => {
  for (const [no, bytes] of splitGguf(readFileSync(NANO), 2).entries()) writeFileSync(parts[no]!, bytes)
  rig = await startRig({ dir: folder.path, args: ['--no-practice-buyer'] })
  const key = (await stoker(['buyer-key', '--data', folder.path])).stdout.trim()
  // An attempt turns a good model away one time in twenty.
  await listNano(rig.client, { slots: 2 }, parts[0]).catch(() => listNano(rig.client, { slots: 2 }, parts[0]))
  buyers = startBuyers({ exchangeUrl: () => rig.exchangeUrl, key, atOnce: 2, seed: 'model file' })
  await buyers.more(2)
}, SUITE_MS)

afterAll(async () => {
  await buyers.stop()
  await rig.stop()
  for (const one of [folder, files]) one.remove()
}, 180_000)

const listing = async () => {
  const [one] = await rig.client.market.listings({ venueId: await firstVenue(rig.client) })
  return one
}
const claimed = (): number => auditRig(folder.path).ours.receipts
/** Writes into the file as it lies there: no new inode, no other size. */
function overwrite(path: string, bytes: Buffer, at: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

it(
  'stops the sale within five seconds, sells nothing while it is another file, and sells again when it is the old one',
  async () => {
    const { size, ino } = statSync(parts[1]!)
    const at = size - 4_096
    const before = readFileSync(parts[1]!).subarray(at)
    overwrite(parts[1]!, Buffer.alloc(before.length, 7), at)
    const changedAt = performance.now()
    const engine = hostOf(rig.pid, 'engine')
    await until('the listing to be stopped', async () => ((await listing())?.state === 'listed' ? null : true))
    expect(performance.now() - changedAt).toBeLessThan(STOPPED_MS)
    expect(statSync(parts[1]!)).toMatchObject({ size, ino })
    expect((await listing())?.reason).toMatchObject({ params: { path: parts[1] } })
    // Its engine ended by itself, or now.
    if (engine !== undefined && isAlive(engine.pid)) process.kill(engine.pid, 'SIGKILL')
    // What was claimed before the change was seen is settled by now.
    await until('nothing to be on its way', () => (auditRig(folder.path).ours.open === 0 ? true : null), SLOW_MS)
    const then = claimed()
    const failedThen = buyers.failed()
    await until('buyers to be turned away', () => (buyers.failed() > failedThen + 20 ? true : null), SLOW_MS)
    const states = (await rig.client.models.deployments()).map(({ state }) => state)
    expect([claimed(), states]).toEqual([then, ['failed']])

    overwrite(parts[1]!, before, at)
    await buyers.more(2)
    expect(claimed()).toBeGreaterThan(then)
    expect(auditRig(folder.path).problems).toEqual([])
  },
  SUITE_MS,
)
