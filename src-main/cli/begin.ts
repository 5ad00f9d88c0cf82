/** What every process of the command line does first. */
import { switchOffCoreDumps } from '#lib/core-dumps.ts'
import { neverProxyLoopback } from '#lib/loopback-proxy.ts'
import { endsWithParent, watchParent } from '#lib/parent-watch.ts'
import { systemClock } from '#lib/system-clock.ts'

/** A terminal that is gone: what is written to it gets nowhere, and the end in order goes on. */
const GONE = ['EPIPE', 'EIO']

export function begin(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`stoker exam items … | head -1`) is no failure.
    if (error.code === 'EPIPE') process.exit(0)
    if (error.code !== 'EIO') throw error
  })
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code ?? '')) throw error
  })
  switchOffCoreDumps()
  neverProxyLoopback()
  // As if npm, or the launcher, had passed it on.
  if (endsWithParent()) void watchParent(systemClock, () => process.kill(process.pid, 'SIGTERM'))
}
