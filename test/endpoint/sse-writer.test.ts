import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'

import { pino } from 'pino'
import { expect, it } from 'vitest'

import { LIMITS } from '#endpoint/endpoint-limits.ts'
import { createSseWriter } from '#endpoint/sse-writer.ts'
import { createOpenAnswers } from '#endpoint/open-answers.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

/** A response whose client reads when the test says so. */
class FakeResponse extends EventEmitter {
  writableLength = 0
  writableFinished = false
  destroyed = false
  readonly #unread: (() => void)[] = []
  writeHead(): void {}
  write(text: string, taken: () => void = () => undefined): void {
    this.writableLength += text.length
    this.#unread.push(taken)
  }
  end(text: string): void {
    this.write(text)
  }
  read(): void {
    this.writableLength = 0
    for (const taken of this.#unread.splice(0)) taken()
  }
  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function stand() {
  const [clock, response] = [new FakeClock(), new FakeResponse()]
  let gone = 0
  const watch = createOpenAnswers(clock, pino({ level: 'silent' }))
  const writer = createSseWriter(response as unknown as ServerResponse, true, watch, () => (gone += 1))
  return { clock, response, writer, gone: () => gone }
}

it('cuts off a client that takes nothing for half a minute, not one that is merely slow', async () => {
  const { clock, response, writer, gone } = stand()
  for (let turn = 0; turn < 20; turn += 1) {
    writer.write('data: x\n\n')
    await clock.advance(LIMITS.watchMs * (LIMITS.stalledChecks - 1))
    response.read()
  }
  expect(gone()).toBe(0)
  writer.write('data: x\n\n')
  await clock.advance(LIMITS.watchMs * LIMITS.stalledChecks)
  expect(gone()).toBe(0)
  await clock.advance(LIMITS.watchMs)
  expect({ gone: gone(), destroyed: response.destroyed, sleeping: clock.waiting }).toEqual({
    gone: 1,
    destroyed: true,
    sleeping: 0,
  })
  writer.write('nobody')
  expect(response.writableLength).toBeLessThan(100)
})

it('cuts off a client that leaves the end of its answer unread', async () => {
  const { clock, response, writer, gone } = stand()
  writer.end('data: [DONE]\n\n')
  await clock.advance(LIMITS.watchMs * (LIMITS.stalledChecks + 1))
  expect({ gone: gone(), destroyed: response.destroyed }).toEqual({ gone: 1, destroyed: true })
})
