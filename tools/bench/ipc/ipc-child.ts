/** Stands in for an engine host: makes tokens at a given rate and sends them by the host's own outbox and channel. */
import { childProcessChannel } from '#contract/channel/child-process.ts'
import { createDeltaOutbox } from '#engine/host/scheduler/delta-outbox.ts'
import type { Sequence } from '#engine/host/scheduler/sequence.ts'
import type { EngineHostEvent } from '#engine/protocol.ts'

import type { IpcOrder, IpcReport } from './ipc-types.ts'

const channel = childProcessChannel<EngineHostEvent | IpcReport, IpcOrder>(process)
const TEXT = ' abc'

/** One step makes a token for every stream; steps are spaced so that the rate comes out. */
async function make({ way, streams, tokensPerSecond, durationMs }: IpcOrder): Promise<IpcReport> {
  const sequence = Array.from(
    { length: streams },
    (_, at) =>
      ({
        job: { id: `own_00000000000000000000${at}` },
        outbox: '',
        logprobs: [],
        firstTextAt: null,
      }) as unknown as Sequence,
  )
  const outbox = createDeltaOutbox((event) => channel.send(event))
  const stepMs = (streams / tokensPerSecond) * 1_000
  const before = process.cpuUsage()
  const started = performance.now()
  let tokens = 0
  for (let step = 1; step * stepMs <= durationMs; step++) {
    await new Promise((resolve) => setTimeout(resolve, started + step * stepMs - performance.now()))
    for (const each of sequence) {
      tokens += 1
      if (way === 'batched') outbox.add(each, { text: TEXT, logprobs: [] })
      else if (way === 'each') channel.send({ t: 'deltas', items: [{ job: each.job.id, text: TEXT }] })
    }
    outbox.flush(performance.now())
  }
  outbox.flush(performance.now(), true)
  const { user, system } = process.cpuUsage(before)
  return { t: 'report', cpuMs: (user + system) / 1_000, tokens }
}

channel.onMessage((order) => {
  void make(order).then((report) => channel.send(report))
})
channel.onClose(() => process.exit(0))
