/**
 * Asks the system what it is. Each question has a deadline of its own, since a hung driver tool must not hang the
 * console.
 */
import { arch, availableParallelism, freemem, hostname, release, totalmem, type } from 'node:os'

import si from 'systeminformation'

import { fail, type StokerError } from '#contract/errors.ts'
import { SECOND_MS, type Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'
import { within } from '#lib/within.ts'

import type { MachineReport } from './hardware.ts'

const DEADLINE_MS = 5 * SECOND_MS

export type MachineProbe = () => Promise<MachineReport>

/** The answer, or null when it did not come in time or failed. */
async function answerOrNull<T>(
  question: Promise<T>,
  what: string,
  { clock, log }: { clock: Clock; log: Log },
): Promise<T | null> {
  const late = (): StokerError => fail('hardware.late', { seconds: DEADLINE_MS / SECOND_MS })
  try {
    return await within(clock, DEADLINE_MS, question, late)
  } catch (error) {
    log.debug({ err: error, what }, 'the system did not say')
    return null
  }
}

export function systemProbe(deps: { clock: Clock; log: Log }): MachineProbe {
  return async () => {
    const [os, cpu, memory, graphics] = await Promise.all([
      answerOrNull(si.osInfo(), 'os', deps),
      answerOrNull(si.cpu(), 'cpu', deps),
      answerOrNull(si.mem(), 'memory', deps),
      answerOrNull(si.graphics(), 'graphics', deps),
    ])
    return {
      hostname: hostname(),
      os:
        os === null
          ? { distro: type(), release: release(), arch: arch() }
          : { distro: os.distro, release: os.release, arch: os.arch },
      cpu: cpu === null ? null : { manufacturer: cpu.manufacturer, brand: cpu.brand },
      // What this process may use: a container's share, not the whole machine.
      cores: availableParallelism(),
      memory:
        memory === null
          ? { total: totalmem(), available: freemem() }
          : { total: memory.total, available: memory.available },
      adapters: graphics?.controllers ?? [],
    }
  }
}
