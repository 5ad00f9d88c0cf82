/** One pass of requests against one server, with the resources it used. */
import { measure, type PassMeasures } from './measure.ts'
import { usageOf } from './proc.ts'

import type { LoadClient } from './client-process.ts'
import type { LoadRequest } from './load-types.ts'
import type { Side } from './side.ts'

export interface PassOptions {
  requests: LoadRequest[]
  concurrency: number
  limitMs: number
}

export async function runPass(
  client: LoadClient,
  side: Side,
  { requests, concurrency, limitMs }: PassOptions,
): Promise<PassMeasures> {
  const { url, key, model, pid } = side
  await side.deadlines?.(
    requests.flatMap(({ prompt, deadlineMs }): [string, number][] =>
      deadlineMs === undefined ? [] : [[prompt, deadlineMs]],
    ),
  )
  await side.resetLoop?.()
  const before = usageOf(pid)
  const answers = await client.run({ url, key, model, concurrency, requests, limitMs })
  const after = usageOf(pid)
  const loopDelayP99 = (await side.loopDelayP99?.()) ?? null
  return measure(requests, answers, {
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    rssMb: after.rssMb,
    loopDelayP99,
  })
}
