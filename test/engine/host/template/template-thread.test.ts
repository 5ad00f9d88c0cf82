/** A template runs in a thread of its own: whatever it does, this thread goes on, and the next prompt is rendered. */
import { afterEach, describe, expect, it } from 'vitest'

import type { EngineMessage } from '#contract/inference.ts'
import { compileTemplate } from '#engine/host/template/template.ts'
import { templatesInThread, type TemplateRunner } from '#engine/host/template/template-thread.ts'

import { BOMBS } from './template-bombs.ts'

const REAL = new URL('../../../../src-main/engine/host/template/template-worker.ts', import.meta.url)
const FAKE = new URL('./fake-template-worker.ts', import.meta.url)
/** The fake one has to start within the first; what never ends must not keep the test. */
const LIMITS = { firstMs: 5_000, renderMs: 300 }
const SOURCE = { bos: '<s>', eos: '</s>', callIds: 'any' } as const
const say = (content: string): EngineMessage[] => [{ role: 'user', content }]

let runner: TemplateRunner | null = null
afterEach(() => runner?.stop())
const open = (entry: URL, source = ''): TemplateRunner =>
  (runner = templatesInThread(entry, LIMITS)({ source, ...SOURCE }))
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (parts) => JSON.stringify(parts),
    (error: Error) => error.message,
  )

describe('a template in its thread', () => {
  it('gives the parts that it gives here, and the errors too', async () => {
    const source =
      "{% for m in messages %}{% if m.content == '' %}{{ raise_exception('none') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    const here = compileTemplate(source, SOURCE)
    const there = open(REAL, source)
    const messages = [...say('a <s> b'), { role: 'assistant', content: 'c' } as const]
    expect(await there.render(messages, [])).toEqual(here.render(messages))
    await expect(open(REAL, '{% for %}').render(say('x'), [])).rejects.toMatchObject({ code: 'TEMPLATE_FAILED' })
  })

  it.each(['a text for every character', 'a list in a list, as JSON'])('refuses %s', async (name) => {
    const bomb = `{% for m in messages %}{{ m.content }}{% endfor %}{% if messages | length > 1 %}${BOMBS[name]![0]}{% endif %}`
    const there = open(REAL, bomb)
    expect(await there.render(say('x'), [])).toEqual([{ text: 'x', control: false }])
    await expect(there.render([...say('a'), ...say('b')], [])).rejects.toMatchObject({ code: 'TEMPLATE_FAILED' })
    expect(await there.render(say('y'), [])).toEqual([{ text: 'y', control: false }])
  })
})

describe('a template that cannot be interrupted', () => {
  it.each([
    ['never ends', 'was ended'],
    ['takes all memory', 'was ended'],
    ['throws', 'was ended'],
  ])(
    '%s: that prompt fails, those behind it are rendered',
    async (said, reason) => {
      const there = open(FAKE)
      await there.render(say('first'), [])
      const bad = outcome(there.render(say(said), []))
      const behind = ['one', 'two'].map((content) => outcome(there.render(say(content), [])))
      // Answered while the other thread spins: this one is free.
      expect(await bad).toContain(reason)
      expect(await Promise.all(behind)).toEqual(
        ['one', 'two'].map((text) => JSON.stringify([{ text, control: false }])),
      )
    },
    20_000,
  )

  it('is not run again after the third time in a row; one that was rendered in between forgives the earlier ones', async () => {
    const there = open(FAKE)
    const ended = async (): Promise<string> => outcome(there.render(say('throws'), []))
    for (const _ of [1, 2]) expect(await ended()).toContain('was ended')
    await there.render(say('fine'), [])
    for (const _ of [1, 2]) expect(await ended()).toContain('was ended')
    const [third, waiting] = [ended(), outcome(there.render(say('fine'), []))]
    expect(await third).toContain('was ended')
    expect([await waiting, await outcome(there.render(say('fine'), []))]).toEqual([
      expect.stringContaining('not run again'),
      expect.stringContaining('not run again'),
    ])
  }, 20_000)

  it('lets go of prompts when the model is unloaded, and takes a bounded number', async () => {
    const there = open(FAKE)
    const many = Array.from({ length: 257 }, () => outcome(there.render(say('never ends'), [])))
    expect(await many[256]).toContain('too many')
    there.stop()
    expect(new Set(await Promise.all(many.slice(0, 256)))).toEqual(new Set([expect.stringContaining('unloaded')]))
  })
})
