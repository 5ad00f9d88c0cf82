/** The bound on what one socket may have under way. */
import type { StandardHandlerOptions } from '@orpc/server/standard'

import type { Channel } from '#contract/channel/channel.ts'
import type { CallContext } from '#core/os.ts'
import type { Log } from '#lib/log.ts'

/** Calls of one socket that have not ended, streams included. */
const CALLS_MAX = 128

type Interceptor = NonNullable<StandardHandlerOptions<CallContext>['rootInterceptors']>[number]

/**
 * Counts the calls of one socket until they have ended, streams included; one over the bound closes it, and nothing of
 * that call runs.
 */
export function countCalls(channel: Channel, log: Log): Interceptor {
  const refused = { matched: false, response: undefined } as const
  let calls = 0
  return async (call) => {
    const { signal } = call.request
    if (calls >= CALLS_MAX) {
      channel.close('too many calls at once')
      return refused
    }
    calls += 1
    let counted = true
    const ended = (): void => {
      calls -= counted ? 1 : 0
      counted = false
    }
    try {
      const result = await call.next()
      const body = result.response?.body
      if (!result.matched || !isStream(body)) {
        ended()
        return result
      }
      // A stream that is aborted before its first value is never begun, so its own end may not come.
      if (signal?.aborted === true) ended()
      else signal?.addEventListener('abort', ended, { once: true })
      return { ...result, response: { ...result.response, body: untilEnd(body, ended) } }
    } catch (error) {
      // oRPC drops this promise: a rejection would end the process.
      ended()
      log.error({ err: error }, 'a call on /rpc failed outside its procedure')
      channel.close('a call failed')
      return refused
    }
  }
}

const isStream = (body: unknown): body is AsyncGenerator =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

async function* untilEnd(stream: AsyncGenerator, ended: () => void): AsyncGenerator {
  try {
    return (yield* stream) as unknown
  } finally {
    ended()
  }
}
