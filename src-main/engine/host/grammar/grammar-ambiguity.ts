/**
 * How many parses of an answer a JSON grammar terminals open at once. llama.cpp keeps each as a stack of its own and tries
 * every token on all of them; alternatives that cannot be told apart before they contain further alternatives multiply
 * with every level, until the engine hangs. The walk follows sets of rules that are open together, with the number of
 * stacks that lead to each, into their members and items. It finds an upper bound.
 */
import { itemOf, memberOf, Overlap } from './grammar-overlap.ts'
import type { RuleShape } from './grammar-shapes.ts'

/** Bounds on visited sets and on comparisons of two rules; a schema of 64 KiB as people write them stays far below. */
const SETS_MAX = 8_192
const COMPARISONS_MAX = 200_000

/** Rules that are open together, each with the number of stacks that lead to it. */
type Open = ReadonlyMap<string, number>
type Of<K extends RuleShape['kind']> = Extract<RuleShape, { kind: K }>

export interface AmbiguityOptions {
  shapeOf: (name: string) => RuleShape | undefined
  /** Parses that are open within a rule by itself. */
  widthOf: (name: string) => number
  most: number
}

/** Groups of rules that some text keeps open together: the connected components of the pairs. */
function linked<T>(all: readonly T[], together: (a: T, b: T) => boolean): T[][] {
  const groups: T[][] = []
  for (const one of all) {
    const near = groups.filter((group) => group.some((other) => together(one, other)))
    for (const group of near) groups.splice(groups.indexOf(group), 1)
    groups.push([one, ...near.flat()])
  }
  return groups
}

/** Finds the rules that a rule is an alternative of, through nested alternatives; each is looked up once. */
function createTerminals(shapeOf: AmbiguityOptions['shapeOf']): (name: string) => readonly string[] {
  const known = new Map<string, readonly string[]>()
  return (name) => {
    const before = known.get(name)
    if (before !== undefined) return before
    const found = new Set<string>()
    const seen = new Set([name])
    for (const one of seen) {
      const shape = shapeOf(one)
      if (shape?.kind === 'either') for (const part of shape.of) seen.add(part)
      else found.add(one)
    }
    const terminals = [...found]
    known.set(name, terminals)
    return terminals
  }
}

/**
 * True when more than `most` parses may be open at once somewhere below `start`, or when the bounds were reached before
 * that was known.
 */
export function isTooAmbiguous(start: string, { shapeOf, widthOf, most }: AmbiguityOptions): boolean {
  const terminalsOf = createTerminals(shapeOf)
  let comparisons = 0
  let over = false
  const overlap = new Overlap(terminalsOf, shapeOf, () => void (over ||= (comparisons += 1) > COMPARISONS_MAX))

  function opened(parts: readonly (readonly [string, number])[]): Open {
    const open = new Map<string, number>()
    for (const [name, stacks] of parts)
      for (const leaf of terminalsOf(name)) open.set(leaf, (open.get(leaf) ?? 0) + stacks)
    return open
  }

  const left = [opened([[start, 1]])]
  const seen = new Set<string>()
  function go(parts: readonly (readonly [string | null, number])[]): void {
    const there = parts.filter((part): part is readonly [string, number] => part[0] !== null)
    if (there.length > 0) left.push(opened(there))
  }
  function intoMembers(objects: readonly { shape: Of<'object' | 'map'>; stacks: number }[]): void {
    const keys = new Set<string | null>(
      objects.flatMap(({ shape }) => (shape.kind === 'map' ? [null] : shape.members.map((member) => member.name))),
    )
    for (const key of keys) {
      if (over) return
      const having = objects.filter(({ shape }) => memberOf(shape, key) !== null)
      for (const group of linked(having, (a, b) => overlap.objectsAt(a.shape, b.shape, key)))
        go(group.map(({ shape, stacks }) => [memberOf(shape, key), stacks * (shape.kind === 'map' ? shape.ways : 1)]))
    }
  }
  function intoItems(arrays: readonly { shape: Of<'array'>; stacks: number }[]): void {
    const longest = arrays.reduce((length, { shape }) => Math.max(length, shape.first.length), 0)
    for (let index = 0; index <= longest; index += 1) {
      if (over) return
      const having = arrays.filter(({ shape }) => itemOf(shape, index) !== null)
      for (const group of linked(having, (a, b) => overlap.arraysAt(a.shape, b.shape, index)))
        go(group.map(({ shape, stacks }) => [itemOf(shape, index), stacks * shape.ways]))
    }
  }

  for (let open = left.pop(); open !== undefined; open = left.pop()) {
    const key = [...open]
      .map(([name, stacks]) => `${name} ${stacks}`)
      .toSorted()
      .join(',')
    if (seen.has(key)) continue
    seen.add(key)
    const ways = [...open].reduce((sum, [name, stacks]) => sum + stacks * widthOf(name), 0)
    if (ways > most || seen.size > SETS_MAX) return true
    const shapes = [...open].map(([name, stacks]) => ({ shape: shapeOf(name), stacks }))
    intoMembers(
      shapes.flatMap(({ shape, stacks }) =>
        shape?.kind === 'object' || shape?.kind === 'map' ? [{ shape, stacks }] : [],
      ),
    )
    intoItems(shapes.flatMap(({ shape, stacks }) => (shape?.kind === 'array' ? [{ shape, stacks }] : [])))
    if (over) return true
  }
  return false
}
