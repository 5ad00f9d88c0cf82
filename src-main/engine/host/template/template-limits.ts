/**
 * Bounds on the values that a template makes. Time alone does not bound them: one call of `replace`, `join` or `tojson`
 * is one step of the watch and can make gigabytes of a few short texts. What a single step could make too much of is
 * computed before the step; everything else is weighed when it is there, before anything can be made of it.
 *
 * The library (@huggingface/jinja 0.5.11) has no such bounds and keeps these steps private; where one is not found under
 * its name any more, a template is refused rather than run unbounded.
 */
import { Environment, Interpreter } from '@huggingface/jinja'

/** Characters of one text; 256 messages with tools of a megabyte need less. */
export const TEXT_MAX = 1_048_576
/** Entries of one list. */
export const LIST_MAX = 16_384
/** Of a value with all that is in it: characters, and one for each list, entry and text. */
export const WEIGHT_MAX = 4 * TEXT_MAX
/** `indent` of texts and JSON, in blanks, and the separators of JSON, in characters. */
const PADDING_MAX = 64

/** The library's values, as far as they are looked at. */
interface Value {
  type: string
  value: unknown
}
interface FunctionLike extends Value {
  value: (args: Value[], scope: unknown) => Value
}
type Statement = Parameters<Interpreter['evaluate']>[0]
type Scope = Parameters<Interpreter['evaluate']>[1]
/** Private to the library. */
interface Steps {
  applyFilter(operand: Value, filter: unknown, scope: Scope): Value
  evaluateArguments(args: unknown[], scope: Scope): [Value[], Map<string, Value>]
}

const tooLong = (): Error => new Error(`it makes a text of more than ${TEXT_MAX} characters`)
const tooWide = (): Error => new Error(`it makes a list of more than ${LIST_MAX} values`)
const tooMuch = (): Error => new Error(`it makes a value of more than ${WEIGHT_MAX} characters`)

const textOf = (value: Value | undefined): string | null => (typeof value?.value === 'string' ? value.value : null)

/** Lists and objects are not changed once they are made, so each is weighed once. */
const weighed = new WeakMap<object, number>()

/** Throws when the value, or anything in it, is beyond the bounds. */
function weigh(value: Value | undefined): number {
  if (value === undefined) return 0
  const { type, value: inner } = value
  if (typeof inner === 'string') {
    if (inner.length > TEXT_MAX) throw tooLong()
    return inner.length + 1
  }
  if (!Array.isArray(inner) && !(inner instanceof Map)) return 1
  if (type === 'NamespaceValue') return weighNamespace([...(inner.values() as Iterable<Value>)])
  const known = weighed.get(value)
  if (known !== undefined) return known
  if ((Array.isArray(inner) ? inner.length : inner.size) > LIST_MAX) throw tooWide()
  let sum = 1
  if (inner instanceof Map) for (const key of inner.keys()) sum += String(key).length
  for (const entry of inner.values() as Iterable<Value>) {
    if (entry.type === 'NamespaceValue') throw new Error('it puts a namespace into a list')
    sum += 1 + weigh(entry)
    if (sum > WEIGHT_MAX) throw tooMuch()
  }
  weighed.set(value, sum)
  return sum
}

/**
 * Its fields change after it was made, so it is weighed at each use. In a list or another namespace it could grow
 * without being noticed.
 */
function weighNamespace(fields: readonly Value[]): number {
  if (fields.some(({ type }) => type === 'NamespaceValue')) throw new Error('it puts a namespace into a namespace')
  const sum = fields.reduce((all, field) => all + 1 + weigh(field), 1)
  if (sum > WEIGHT_MAX) throw tooMuch()
  return sum
}

/** Occurrences of `part`; for an empty one the places between all characters. */
function occurrences(text: string, part: string): number {
  if (part === '') return text.length + 1
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1
  return count
}

/** Before the step: what a filter would make of its operand with these arguments. */
function checkFilter(name: string, operand: Value, [positional, named]: [Value[], Map<string, Value>]): void {
  const first = positional[0]
  const number = (key: string, value = named.get(key)): number => (typeof value?.value === 'number' ? value.value : 0)
  if (name === 'join') {
    const separator = textOf(first ?? named.get('separator')) ?? ''
    const pieces = Array.isArray(operand.value) ? operand.value.length : (textOf(operand)?.length ?? 0)
    if (weigh(operand) + pieces * separator.length > TEXT_MAX) throw tooLong()
  } else if (name === 'tojson') {
    const separators = named.get('separators')?.value
    const longest = Array.isArray(separators)
      ? Math.max(0, ...separators.map((one: Value) => textOf(one)?.length ?? 0))
      : 0
    if (number('indent') > PADDING_MAX || longest > PADDING_MAX) throw tooLong()
  } else if (name === 'indent' && number('width', first ?? named.get('width')) > PADDING_MAX) throw tooLong()
}

/** Before the step: `replace` may put a long text in the place of every character. */
function checkReplace(text: string, args: readonly Value[]): void {
  const [from, to] = [textOf(args[0]), textOf(args[1])]
  if (from === null || to === null || to.length <= from.length) return
  if (text.length + occurrences(text, from) * to.length > TEXT_MAX) throw tooLong()
}

/** Before the step: pieces of a text. */
function checkSplit(text: string, args: readonly Value[]): void {
  const separator = textOf(args[0])
  if (separator !== null) {
    if (separator !== '' && occurrences(text, separator) >= LIST_MAX) throw tooWide()
    return
  }
  if (text.length <= LIST_MAX) return
  let words = 0
  for (const word of text.matchAll(/\S+/g)) if (word.index >= 0 && (words += 1) > LIST_MAX) throw tooWide()
}

const CHECKS: readonly (readonly [name: string, check: typeof checkReplace])[] = [
  ['replace', checkReplace],
  ['split', checkSplit],
]

/** The library's class of texts, which it does not export: methods and filters of these names are found on it. */
function boundTextMethods(): void {
  const prototype = Object.getPrototypeOf(new Environment().set('text', '')) as object
  const property = Object.getOwnPropertyDescriptor(prototype, 'builtins')
  if (property?.get === undefined) throw new Error('the template library has changed')
  const bounded = new WeakSet<object>()
  Object.defineProperty(prototype, 'builtins', {
    configurable: true,
    get(this: Value) {
      const builtins = property.get?.call(this) as Map<string, Value>
      if (bounded.has(builtins)) return builtins
      bounded.add(builtins)
      for (const [name, check] of CHECKS) {
        const method = builtins.get(name) as FunctionLike | undefined
        if (method === undefined) throw new Error('the template library has changed')
        const { value: run } = method
        method.value = (args, scope) => {
          check(textOf(this) ?? '', args)
          return run(args, scope)
        }
      }
      return builtins
    },
  })
}
let areTextMethodsBound = false

const nameOfFilter = (filter: unknown): string => {
  const { value, callee } = filter as { value?: string; callee?: { value?: string } }
  return value ?? callee?.value ?? ''
}

/** An interpreter that throws plain errors where a template makes too much. */
export class BoundedInterpreter extends Interpreter {
  constructor(scope: Environment) {
    super(scope)
    if (!areTextMethodsBound) boundTextMethods()
    areTextMethodsBound = true
    const steps = this as unknown as Steps
    if (typeof steps.applyFilter !== 'function' || typeof steps.evaluateArguments !== 'function')
      throw new Error('the template library has changed')
    const [applyFilter, evaluateArguments] = [steps.applyFilter.bind(this), steps.evaluateArguments.bind(this)]
    /** The filter whose arguments are evaluated next. */
    let pending: { name: string; operand: Value } | null = null
    steps.applyFilter = (operand, filter, inner) => {
      const before = pending
      pending = { name: nameOfFilter(filter), operand }
      try {
        // Without arguments.
        checkFilter(pending.name, operand, [[], new Map()])
        return applyFilter(operand, filter, inner)
      } finally {
        pending = before
      }
    }
    steps.evaluateArguments = (args, inner) => {
      const mine = pending
      // The arguments may have filters of their own.
      pending = null
      const evaluated = evaluateArguments(args, inner)
      pending = mine
      if (mine !== null) checkFilter(mine.name, mine.operand, evaluated)
      return evaluated
    }
  }

  override evaluate(statement: Statement, scope: Scope): ReturnType<Interpreter['evaluate']> {
    const value = super.evaluate(statement, scope)
    weigh(value)
    return value
  }
}
