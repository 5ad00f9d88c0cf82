/** Finished answers are kept in bounded memory, and what is pushed out is owed until its time is over. */
import { describe, expect, it } from 'vitest'

import { failValue } from '#contract/errors.ts'
import { CompletionRegistry } from '#exchange-server/buy/completion-registry.ts'
import type { CompletionReader, SharedCompletion } from '#exchange-server/buy/shared-completion.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { DeliveredMarks } from '#exchange-server/settle/delivered-marks.ts'

import { settleRig } from './settle/settle-rig.ts'

const MIB = 1_048_576

function setup() {
  const { context, clock } = settleRig()
  const marked: string[] = []
  const marks = new DeliveredMarks(clock)
  marks.add = (jobId) => void marked.push(jobId)
  const registry = new CompletionRegistry(context, marks)
  let count = 0
  const begin = (bodyMac = 'b', keyMac: string | null = null): SharedCompletion => {
    count += 1
    const completion = registry.create({
      head: { id: `chatcmpl_${count}`, created: 0, model: 'm' },
      buyerId: 'buyer',
      identity: { keyMac, bodyMac, retry: false },
      chat: { stream: false, includeUsage: false },
    })
    completion.onRouted({ jobId: `job_${count}`, salt: 's', supplier: 'x' })
    return completion
  }
  const finish = (completion: SharedCompletion, text = 'answer'): void =>
    completion.onDone({
      finish: 'stop',
      text,
      inputTokens: 1,
      outputTokens: 1,
      ttftMs: 1,
      tokPerS: 1,
      durationMs: 1,
      receipt: null,
    })
  return { context, clock, registry, marked, begin, finish }
}
const reader = (): CompletionReader & { got: string[] } => {
  const got: string[] = []
  return {
    got,
    delta: (text) => void got.push(text),
    done: ({ text }) => void got.push(`done ${text}`),
    failed: ({ code }) => void got.push(`failed ${code}`),
  }
}

describe('finished answers', () => {
  it('take 32 MiB at most: the oldest goes, and stays owed until its ten minutes are over', async () => {
    const { context, clock, registry, marked, begin, finish } = setup()
    for (let count = 0; count < 17; count += 1) finish(begin(`b${count}`), 'x'.repeat(MIB))
    expect(registry.get('job_1')).toBeNull()
    expect(registry.get('chatcmpl_1')).toBeNull()
    expect(registry.get('job_2')).not.toBeNull()
    expect(marked).toEqual([])
    await clock.advance(LIMITS.answersKeptMs)
    expect(marked).toEqual(['job_1'])
    context.db.close()
  })

  it('are dropped after ten minutes, as owed to nobody; what failed is remembered for one', async () => {
    const { context, clock, registry, marked, begin, finish } = setup()
    finish(begin('done'))
    const failed = begin('failed')
    failed.onFailed(failValue('exchange.supplierLeft'), false)
    await clock.advance(LIMITS.retryWithinMs)
    registry.sweep()
    expect([registry.get('job_1'), registry.get('job_2')]).toEqual([expect.anything(), null])
    await clock.advance(LIMITS.answersKeptMs - LIMITS.retryWithinMs - 1)
    registry.sweep()
    expect([registry.get('job_1') !== null, marked]).toEqual([true, []])
    await clock.advance(1)
    registry.sweep()
    expect([registry.get('job_1'), marked]).toEqual([null, ['job_1']])
    context.db.close()
  })

  it('are pushed out by no number of calls that failed', () => {
    const { context, registry, begin, finish } = setup()
    finish(begin('done'))
    for (let count = 0; count < LIMITS.failuresKept + 1; count += 1)
      begin(`f${count}`).onFailed(failValue('exchange.supplierLeft'), false)
    expect([registry.get('job_1') !== null, registry.get('job_2'), registry.get('job_3') !== null]).toEqual([
      true,
      null,
      true,
    ])
    context.db.close()
  })

  it('are marked once, whoever read them', () => {
    const { context, registry, marked, begin, finish } = setup()
    const completion = begin()
    finish(completion)
    registry.handedOver(completion)
    registry.handedOver(completion)
    expect(marked).toEqual(['job_1'])
    context.db.close()
  })
})

describe('a call that is routed anew', () => {
  it('is found by its last job only', () => {
    const { context, registry, begin } = setup()
    const completion = begin()
    completion.onRouted({ jobId: 'job_next', salt: 't', supplier: 'y' })
    expect([registry.get('job_1'), registry.get('job_next')]).toEqual([null, completion])
    context.db.close()
  })
})

describe('readers of one call', () => {
  it('hear what was there before they came, and all of them its end', () => {
    const { context, begin, finish } = setup()
    const completion = begin()
    const [first, second, last] = [reader(), reader(), reader()]
    completion.attach(first)
    completion.onDelta('a')
    completion.onDelta('b')
    completion.attach(second)
    completion.onDelta('c')
    finish(completion, 'abc')
    completion.attach(last)
    completion.onDelta('never')
    expect([first.got, second.got, last.got]).toEqual([
      ['a', 'b', 'c', 'done abc'],
      ['ab', 'c', 'done abc'],
      ['done abc'],
    ])
    context.db.close()
  })

  it('that all go end it at once without a key, after 5 s with one, and not if another came', async () => {
    const { context, clock, begin } = setup()
    const [plain, keyed, rejoined] = [begin('p'), begin('k', 'key'), begin('r', 'other')]
    const cancelled: string[] = []
    for (const [name, completion] of Object.entries({ plain, keyed, rejoined })) {
      completion.cancel = () => void cancelled.push(name)
      const only = reader()
      completion.attach(only)
      completion.detach(only)
    }
    expect(cancelled).toEqual(['plain'])
    rejoined.attach(reader())
    await clock.advance(LIMITS.leaveGraceMs - 1)
    expect(cancelled).toEqual(['plain'])
    await clock.advance(1)
    expect(cancelled).toEqual(['plain', 'keyed'])
    expect([plain.state, keyed.state, rejoined.state]).toEqual(['failed', 'failed', 'running'])
    context.db.close()
  })
})
