/**
 * A small contract with one procedure per thing a channel must carry; its router runs in this process and in
 * sample-child.ts.
 */
import { eventIterator, type ContractRouterClient } from '@orpc/contract'
import { implement } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { z } from 'zod'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import { because } from '#contract/reasons.ts'
import { method } from '#contract/scope.ts'

export const sampleContract = {
  add: method('read', [])
    .input(z.object({ a: z.number(), b: z.number() }))
    .output(z.number()),
  fail: method('read', ['DATA_LOCKED'])
    .input(z.object({ kind: z.enum(['expected', 'unexpected', 'output']) }))
    .output(z.number()),
  echo: method('read', []).input(z.string().max(4_000_000)).output(z.string()),
  swell: method('read', [])
    .input(z.object({ length: z.number().int() }))
    .output(z.string()),
  count: method('read', [])
    .input(z.object({ to: z.number().int() }))
    .output(eventIterator(z.number())),
  broken: method('read', ['ENGINE_CRASHED']).output(eventIterator(z.number())),
  /** Yields once, then waits for its own abort. */
  watch: method('read', []).output(eventIterator(z.string())),
  /** Resolves when `count` watches have ended. */
  ended: method('read', [])
    .input(z.object({ count: z.number() }))
    .output(z.number()),
  never: method('read', []).output(z.string()),
}
export type SampleClient = ContractRouterClient<typeof sampleContract>

export class Endings {
  #count = 0
  #waiting: { count: number; resolve: (count: number) => void }[] = []
  add(): void {
    this.#count += 1
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.#count >= count) resolve(this.#count)
      return this.#count < count
    })
  }
  reached(count: number): Promise<number> {
    return new Promise((resolve) => {
      if (this.#count >= count) resolve(this.#count)
      else this.#waiting.push({ count, resolve })
    })
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) resolve()
    else signal?.addEventListener('abort', () => resolve(), { once: true })
  })

export function sampleRouter(endings: Endings) {
  const os = implement(sampleContract)
  return os.router({
    add: os.add.handler(({ input }) => input.a + input.b),
    fail: os.fail.handler(({ input, errors }) => {
      if (input.kind === 'expected')
        throw errors.STOKER({
          message: 'the file is locked; close the other Stoker',
          data: {
            code: 'DATA_LOCKED',
            reason: because('db.locked', { folder: '/data', who: 'another Stoker' }),
            data: { pid: 7 },
          },
        })
      if (input.kind === 'unexpected') throw new Error('secret inner detail')
      return 'not a number' as unknown as number
    }),
    echo: os.echo.handler(({ input }) => input),
    swell: os.swell.handler(({ input }) => 'x'.repeat(input.length)),
    count: os.count.handler(async function* ({ input }) {
      for (let n = 1; n <= input.to; n += 1) yield n
    }),
    broken: os.broken.handler(async function* ({ errors }) {
      yield 1
      throw errors.STOKER({
        message: 'the engine is gone',
        data: { code: 'ENGINE_CRASHED', reason: because('engine.gone'), data: {} },
      })
    }),
    watch: os.watch.handler(async function* ({ signal }) {
      try {
        yield 'begun'
        await aborted(signal)
      } finally {
        endings.add()
      }
    }),
    ended: os.ended.handler(({ input }) => endings.reached(input.count)),
    never: os.never.handler(async ({ signal }) => {
      await aborted(signal)
      endings.add()
      return 'aborted'
    }),
  })
}

export const serveSample = (channel: Channel, endings = new Endings()): void =>
  new RPCHandler(sampleRouter(endings)).upgrade(channelAsPort(channel, 'server'))
