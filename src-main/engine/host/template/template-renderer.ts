/** A jinja template compiled once and always run within bounds of time and size. */
import { Environment, Template } from '@huggingface/jinja'

import { boundedRender, OutOfTime, templateGlobals } from './template-guard.ts'
import { BoundedInterpreter, TEXT_MAX } from './template-limits.ts'

/** Generous, because a template that is late once, on a busy machine, would be refused for good. */
const COMPILE_MS = 2_000
/** After this many renders in a row that took too long the template is not run again. */
const SLOW_MAX = 3

export interface TemplateRenderer {
  /** Throws plain errors. */
  render(messages: readonly object[], tools: readonly unknown[] | null): string
  /** The last run took too long. */
  readonly slow: boolean
}

export interface RendererOptions {
  variables: Record<string, unknown>
  today: () => Date
  /** Time limit of one render; the first may take three times as long. */
  renderMs: number
}

/** Throws plain errors: what is wrong with the source. */
export function createRenderer(source: string, { variables, today, renderMs }: RendererOptions): TemplateRenderer {
  const template = boundedRender(() => new Template(source), COMPILE_MS)
  const globals = templateGlobals(today)
  let late = 0
  let runs = 0

  function run(messages: readonly object[], tools: readonly unknown[] | null): string {
    const scope = new Environment(globals)
    for (const [name, value] of Object.entries({ ...variables, messages, tools })) scope.set(name, value)
    const { value } = new BoundedInterpreter(scope).run(template.parsed)
    return typeof value === 'string' ? value : ''
  }

  function watched(messages: readonly object[], tools: readonly unknown[] | null): string {
    if (late >= SLOW_MAX) throw new Error('it took too long several times and is not run again')
    runs += 1
    try {
      const text = boundedRender(() => run(messages, tools), runs === 1 ? 3 * renderMs : renderMs)
      late = 0
      return text
    } catch (error) {
      if (error instanceof OutOfTime) late += 1
      throw error
    }
  }

  return {
    render(messages, tools) {
      const text = watched(messages, tools)
      // A text cannot be longer; a template whose result is none is weighed nowhere else.
      if (text.length > TEXT_MAX) throw new Error(`it makes more than ${TEXT_MAX} characters`)
      return text
    },
    get slow() {
      return late > 0
    },
  }
}
