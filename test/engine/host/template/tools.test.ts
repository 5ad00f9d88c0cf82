import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { engineRequest, type ToolCall } from '#contract/inference.ts'
import { toolFormatOf } from '#engine/host/template/tools/tool-format.ts'
import { createToolCallParser } from '#engine/host/template/tools/tool-call-parser.ts'
import { toolGrammar } from '#engine/host/template/tools/tool-grammar.ts'
import { toolsOf } from '#engine/host/template/tools/job-tools.ts'

import { follows } from '../grammar/gbnf.ts'

const HERMES = toolFormatOf('… <tool_call> …')
const LLAMA = toolFormatOf('<|start_header_id|> … <|python_tag|>')
const MISTRAL = toolFormatOf('[AVAILABLE_TOOLS] … [TOOL_CALLS]')
const NAMED = toolFormatOf('[TOOL_CALLS]name[ARGS]{}')
const FORMATS = [HERMES, LLAMA, MISTRAL, NAMED]
const NAMES = ['get_weather', 'add']

/** What a client gets: the text that ran through, what came at the end, and the calls without their ids. */
function read(
  format: typeof HERMES,
  pieces: readonly string[],
): { streamed: string; text: string; calls: Omit<ToolCall, 'id'>[] } {
  let id = 0
  const parser = createToolCallParser({ format, names: NAMES, callId: () => `c${(id += 1)}` })
  const streamed = pieces.map((piece) => parser.push(piece)).join('')
  const { text, calls } = parser.end()
  expect(calls.map((call) => call.id)).toEqual(calls.map((_, index) => `c${index + 1}`))
  return { streamed, text, calls: calls.map(({ name, arguments: given }) => ({ name, arguments: given })) }
}

const ONE = { name: 'get_weather', arguments: '{"city": "Rome, \\"</tool_call>\\" {", "days": 1.50}' }
const TWO = { name: 'add', arguments: '{}' }
const WRITTEN: [typeof HERMES, string][] = [
  [
    HERMES,
    `<tool_call>\n{"name": "get_weather", "arguments": ${ONE.arguments}}\n</tool_call>\n<tool_call>{"name": "add"}</tool_call>`,
  ],
  [MISTRAL, `[TOOL_CALLS] [{"name": "get_weather", "arguments": ${ONE.arguments}}, {"arguments": {}, "name": "add"}]`],
  [NAMED, `[TOOL_CALLS]get_weather[ARGS]${ONE.arguments}[TOOL_CALLS]add[CALL_ID]123456789[ARGS]{}`],
  [LLAMA, `<|python_tag|>{"name": "get_weather", "parameters": ${ONE.arguments}}; {"name": "add", "parameters": {}}`],
]

describe('calls of tools in an answer', () => {
  it('are found in every format and any cutting, with their arguments as generated', () => {
    for (const [format, written] of WRITTEN) {
      fc.assert(
        fc.property(fc.array(fc.nat({ max: written.length }), { maxLength: 8 }), (cuts) => {
          const at = [...new Set([0, ...cuts, written.length])].sort((a, b) => a - b)
          const pieces = at.slice(1).map((end, index) => written.slice(at[index], end))
          expect(read(format, ['Let me look. ', ...pieces])).toEqual({
            streamed: 'Let me look. ',
            text: '',
            calls: [ONE, TWO],
          })
        }),
        { numRuns: 30 },
      )
    }
  })

  it('need no closing marker at the end of the answer (the last token is the end of the turn)', () => {
    expect(read(HERMES, ['<tool_call>{"name":"add","arguments":{"a":1}}']).calls).toEqual([
      { name: 'add', arguments: '{"a":1}' },
    ])
  })

  it('unpack arguments that are JSON inside a string', () => {
    expect(read(HERMES, ['<tool_call>{"name":"add","arguments":"{\\"a\\":1}"}</tool_call>']).calls).toEqual([
      { name: 'add', arguments: '{"a":1}' },
    ])
  })

  it('are plain text when malformed, unknown or cut off (an answer that is lost)', () => {
    const lost = [
      '<tool_call>{"name": "add", "arguments": {"a": 1',
      '<tool_call>no json</tool_call>',
      '<tool_call>{"name":"other","arguments":{}}</tool_call>',
      '<tool_call>{"name":"add","arguments":[1]}',
      '<tool_call>',
      '<tool_',
      'a < b',
    ]
    for (const text of lost) {
      const result = read(HERMES, ['x ', text])
      expect({ ...result, whole: result.streamed + result.text }).toMatchObject({ whole: `x ${text}`, calls: [] })
    }
    for (const format of FORMATS) {
      fc.assert(
        fc.property(
          fc.array(
            fc.constantFrom(
              '<tool_call>',
              '</tool_call>',
              '[TOOL_CALLS]',
              '[ARGS]',
              '{"name": "',
              'add',
              '"',
              '}',
              '{',
              ' ',
              ']',
              ',',
            ),
            { maxLength: 12 },
          ),
          (pieces) => {
            const result = read(format, pieces)
            if (result.calls.length === 0) expect(result.streamed + result.text).toBe(pieces.join(''))
          },
        ),
      )
    }
  })

  it('leave what follows them as text', () => {
    expect(read(HERMES, ['<tool_call>{"name":"add"}</tool_call> done'])).toEqual({
      streamed: '',
      text: 'done',
      calls: [TWO],
    })
  })

  it('do not hold back a Llama answer that only begins like JSON', () => {
    expect(read(LLAMA, ['{"answer": ', '42}'])).toEqual({ streamed: '{"answer": 42}', text: '', calls: [] })
    expect(read(LLAMA, [' {"name": "add", ', '"parameters": {"a": 2}}'])).toEqual({
      streamed: '',
      text: '',
      calls: [{ name: 'add', arguments: '{"a": 2}' }],
    })
  })
})

const tools = [
  {
    name: 'get_weather',
    description: '',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
      required: ['city'],
    },
  },
  { name: 'add', description: '', parameters: {} },
]

describe('grammars of tool calls', () => {
  it('make calls that the reader reads, in each format', () => {
    for (const format of FORMATS) {
      const { gbnf, triggers } = toolGrammar(format, tools, { forced: true, single: false })
      expect(triggers).toEqual([])
      const accepts = follows(gbnf)
      const key = format.name === 'llama' ? 'parameters' : 'arguments'
      const written = {
        hermes: `<tool_call>\n{"name": "get_weather", "${key}": {"city":"x"}}\n</tool_call>\n<tool_call>\n{"name": "add", "${key}": {}}\n</tool_call>`,
        llama: `{"name": "get_weather", "${key}": {"city":"x"}}`,
        mistral: `[TOOL_CALLS][{"name": "get_weather", "${key}": {"city":"x"}}, {"name": "add", "${key}": {}}]`,
        'mistral-args': '[TOOL_CALLS]get_weather[ARGS]{"city":"x"}[TOOL_CALLS]add[ARGS]{}',
      }[format.name]
      expect(accepts(written)).toBe(true)
      expect(accepts(written.replace('"x"', '7'))).toBe(false)
      expect(accepts(written.replaceAll('get_weather', 'other'))).toBe(false)
      expect(accepts('text')).toBe(false)
      expect(read(format, [written]).calls[0]).toEqual({ name: 'get_weather', arguments: '{"city":"x"}' })
    }
  })

  it('begin at the opening marker when the model may choose', () => {
    expect(toolGrammar(HERMES, tools, { forced: false, single: false }).triggers).toEqual(['<tool_call>'])
    expect(toolGrammar(LLAMA, tools, { forced: false, single: false }).triggers).toEqual([
      '<|python_tag|>',
      '{"name": "get_weather"',
      '{"name": "add"',
    ])
  })

  it('fall back to any object for arguments whose schema cannot be enforced (a client whose tools use patterns)', () => {
    const accepts = follows(
      toolGrammar(
        HERMES,
        [
          {
            name: 'add',
            description: '',
            parameters: { type: 'object', properties: { a: { type: 'string', pattern: '^x' } } },
          },
        ],
        { forced: true, single: true },
      ).gbnf,
    )
    expect(accepts('<tool_call>{"name": "add", "arguments": {"a": [1]}}</tool_call>')).toBe(true)
  })
})

describe("a request's tools", () => {
  const request = (more: object): ReturnType<typeof engineRequest.parse> =>
    engineRequest.parse({ messages: [{ role: 'user', content: 'x' }], maxTokens: 8, tools, ...more })
  const codeOf = (act: () => unknown): string => {
    try {
      act()
      return ''
    } catch (error) {
      return `${(error as { code?: string }).code} ${(error as Error).message}`
    }
  }

  it('are offered, forced, one alone or not at all', () => {
    const random = (): number => 7
    expect(toolsOf(request({ toolChoice: 'none' }), HERMES, random)).toEqual({
      offered: [],
      grammar: null,
      parser: null,
    })
    expect(toolsOf(request({}), HERMES, random).grammar?.triggers).toEqual(['<tool_call>'])
    expect(toolsOf(request({ toolChoice: 'required' }), HERMES, random).grammar?.triggers).toEqual([])
    const one = toolsOf(request({ toolChoice: { name: 'add' } }), HERMES, random)
    expect(one.offered.map((tool) => tool.name)).toEqual(['add'])
    const accepts = follows(one.grammar?.gbnf ?? '')
    const call = '<tool_call>{"name": "add", "arguments": {}}</tool_call>'
    expect([accepts(call), accepts(call + call)]).toEqual([true, false])
    expect(codeOf(() => toolsOf(request({ toolChoice: { name: 'none_such' } }), HERMES, random))).toMatch(
      /^BAD_REQUEST The tool choice names "none_such"/,
    )
    expect(codeOf(() => toolsOf(request({ tools: [...tools, ...tools] }), HERMES, random))).toMatch(
      /^BAD_REQUEST Two tools have the name/,
    )
  })

  it("have ids that Mistral's template takes", () => {
    const parser = toolsOf(request({}), MISTRAL, () => 123_456_789).parser
    parser?.push('[TOOL_CALLS][{"name": "add", "arguments": {}}]')
    expect(parser?.end().calls[0]?.id).toMatch(/^[a-z0-9]{9}$/)
  })

  it('are bounded', () => {
    const large = {
      name: 'big',
      description: '',
      parameters: { enum: Array.from({ length: 60_000 }, (_, index) => `v${index}`) },
    }
    let deep: Record<string, unknown> = {}
    for (let level = 0; level < 40; level += 1) deep = { a: deep }
    for (const tool of [large, { name: 'deep', description: '', parameters: deep }])
      expect(codeOf(() => toolsOf(request({ tools: [tool] }), HERMES, () => 1))).toMatch(
        /^BAD_REQUEST The tools are larger/,
      )
  })
})
