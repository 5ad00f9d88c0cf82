/**
 * A port whose process ends at a chosen crossing: verbs and events are counted in the order they cross, and after the
 * last one that is let through nothing gets in or out any more.
 */
import { StokerError } from '#contract/errors.ts'
import type { VenuePort, VenueVerbs } from '#core/venues/venue.port.ts'

const VERBS: readonly (keyof VenueVerbs)[] = [
  'declare',
  'withdraw',
  'accept',
  'refuse',
  'text',
  'done',
  'failed',
  'reconcile',
  'startExam',
  'cancelExam',
]

/** Shared by the ports of one process: `left` crossings, then it is over. */
export interface FakeLife {
  left: number
  crossed: number
}

export function dyingPort(port: VenuePort, life: FakeLife): VenuePort {
  const cross = (): boolean => {
    life.crossed += 1
    life.left -= 1
    return life.left >= 0
  }
  const verbs = Object.fromEntries(
    VERBS.map((name) => [
      name,
      (...args: unknown[]) => {
        if (!cross()) throw new StokerError('EXCHANGE_OFFLINE', 'fake: this process is dead')
        return (port[name] as (...given: unknown[]) => void).apply(port, args)
      },
    ]),
  ) as unknown as VenueVerbs
  return {
    ...verbs,
    capabilities: port.capabilities,
    state: () => port.state(),
    lastSeenAt: () => port.lastSeenAt(),
    onState: (listener) => port.onState(listener),
    onEvent: (listener) => port.onEvent((event) => (cross() ? listener(event) : undefined)),
    // A dead process takes no more work.
    start: (leases) => port.start({ take: (instrument) => (life.left > 0 ? leases.take(instrument) : null) }),
    stop: () => port.stop(),
  }
}
