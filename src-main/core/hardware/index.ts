/** What the machine is: asked at most once a minute, and once for all who ask at the same time. */
import type { Hardware } from '#contract/app.ts'
import { MINUTE_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'

import { systemProbe, type MachineProbe } from './hardware.probe.ts'
import { describeMachine } from './hardware.ts'

const FRESH_MS = MINUTE_MS

export interface HardwareService {
  current(): Promise<Hardware>
  /** What is free has changed: the next who asks hears it fresh. */
  stale(): void
}

export function createHardware(
  context: Pick<CoreContext, 'os' | 'clock' | 'log'>,
  probe: MachineProbe = systemProbe(context),
) {
  let known: Hardware | null = null
  let asking: Promise<Hardware> | null = null
  const ask = async (): Promise<Hardware> => {
    try {
      known = describeMachine(await probe(), context.clock.now())
      return known
    } finally {
      asking = null
    }
  }
  const current = (): Promise<Hardware> => {
    const age = known === null ? null : context.clock.now() - known.at
    // A negative age is a wall clock that was set back: then the answer counts as old.
    if (known !== null && age !== null && age >= 0 && age < FRESH_MS) return Promise.resolve(known)
    asking ??= ask()
    return asking
  }
  const stale = (): void => {
    known = null
  }
  return { current, stale, api: { hardware: context.os.app.hardware.handler(current) } }
}
