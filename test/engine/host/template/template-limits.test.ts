/** What a template may make is bounded, step by step (security.md 4). */
import { describe, expect, it } from 'vitest'

import { createRenderer } from '#engine/host/template/template-renderer.ts'

import { bitesAtTheThird, BOMBS } from './template-bombs.ts'

/** Sizes are refused whatever the time; only loops are left to it. */
const LONG_MS = 60_000
const renderer = (source: string, renderMs = LONG_MS): ReturnType<typeof createRenderer> =>
  createRenderer(source, { variables: {}, today: () => new Date(0), renderMs })
const user = (content: string): object => ({ role: 'user', content })

describe('a template that makes', () => {
  it.each(Object.entries(BOMBS))('%s is refused', (_name, [body, reason]) => {
    const renderMs = reason.startsWith('it takes longer') ? 100 : LONG_MS
    expect(() => renderer(body, renderMs).render([user('x')], null)).toThrow(reason)
  })

  it('too much at the third message only is refused then, and not before', () => {
    const late = renderer(bitesAtTheThird(BOMBS['a text for every character']![0]))
    expect(late.render([user('a'), user('b')], null)).toContain('b<|im_end|>')
    expect(() => late.render([user('a'), user('b'), user('c')], null)).toThrow('a text of more than')
  })
})

describe('a template of usual size', () => {
  it.each([
    ["{{ 'a-b-c'.split('-') | join('+') }}", 'a+b+c'],
    ["{{ 'a b  c'.split() | length }}", '3'],
    [
      "{{ 'banana' | replace('a', 'oo') }} {{ 'banana'.replace('an', '') }} {{ 'ab'.replace('', '.') }}",
      'boonoonoo ba .a.b.',
    ],
    ["{{ {'a': [1, 2]} | tojson(indent=4) }}", '{\n    "a": [\n        1,\n        2\n    ]\n}'],
    ["{{ 'a\nb' | indent(2) }}", 'a\n  b'],
    ["{{ ['b', 'a'] | sort | join(', ' | replace(',', ';')) }}", 'a; b'],
    [
      '{% set ns = namespace(found=false) %}{% for m in messages %}{% set ns.found = true %}{% endfor %}{{ ns.found }}',
      'true',
    ],
    ['{% macro m(ns) %}{{ ns.a }}{% endmacro %}{% set ns = namespace(a=1) %}{{ m(ns) }}', '1'],
  ])('%s gives what it always gave', (source, text) => {
    expect(renderer(source).render([user('x')], null)).toBe(text)
  })

  it('renders 256 messages with 64 tools', () => {
    const tools = Array.from({ length: 64 }, (_, at) => ({
      function: { name: `t${at}`, description: 'x'.repeat(10_000) },
    }))
    const source =
      '{% for t in tools %}{{ t | tojson }}{% endfor %}{% for m in messages %}<{{ m.content }}>{% endfor %}'
    const messages = Array.from({ length: 256 }, (_, at) => user(`m${at}`))
    const text = renderer(source).render(messages, tools)
    expect([text.length > 640_000, text.endsWith('<m254><m255>')]).toEqual([true, true])
  })
})
