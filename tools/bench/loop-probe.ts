/**
 * Loaded before a Stoker (`NODE_OPTIONS=--import`): watches its event loop from inside, and at SIGUSR2 writes what it
 * saw into STOKER_LOOP_FILE and begins anew.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1
const file = process.env['STOKER_LOOP_FILE']
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  process.on('SIGUSR2', () => {
    // The monitor's own timer is part of what it measures.
    const own = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
    const seen = { p50Ms: own(delay.percentile(50)), p99Ms: own(delay.percentile(99)), maxMs: own(delay.max) }
    delay.reset()
    writeFileSync(`${file}.partial`, JSON.stringify(seen))
    renameSync(`${file}.partial`, file)
  })
}
