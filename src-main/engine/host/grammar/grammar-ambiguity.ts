/**
 * How many ways of reading an answer a JSON grammar leaves open at once. llama.cpp keeps each as a stack of its own and
 * tries every token on all of them; alternatives that cannot be told apart before they hold further alternatives
 * multiply with every level, until the engine stands still. The walk follows sets of rules that are open together, with
 * how many stacks lead to each, into their members and items. It finds an upper bound.
 */
import { itemOf, memberOf, Overlap } from './grammar-overlap.ts'
import type { Shape } from './grammar-shapes.ts'

/** Sets looked at, and comparisons of two rules; a schema of 64 KiB that people write stays far below. */
const SETS_MAX = 8_192
const COMPARISONS_MAX = 200_000

/** Rules open together, and stacks that lead to each. */
type Open = ReadonlyMap<string, number>
type Of<K extends Shape['kind']> = Extract<Shape, { kind: K }>

export interface AmbiguityOptions {
  shapeOf: (name: string) => Shape | undefined
  /** Ways open within a rule by itself. */
  widthOf: (name: string) => number
  most: number
}

/** Rules that some text keeps open together: whatever is linked by pairs. */
function linked<T>(all: readonly T[], together: (a: T, b: T) => boolean): T[][] {
  const groups: T[][] = []
  for (const one of all) {
    const near = groups.filter((group) => group.some((other) => together(one, other)))
    for (const group of near) groups.splice(groups.indexOf(group), 1)
    groups.push([one, ...near.flat()])
  }
  return groups
}

/**
 * True when more than `most` ways may be open at once somewhere below `start`, or when that could not be found out
 * within bounds.
 */
export function isTooAmbiguous(start: string, { shapeOf, widthOf, most }: AmbiguityOptions): boolean {
  const leaves = new Map<string, readonly string[]>()
  let comparisons = 0
  let over = false

  function leavesOf(name: string): readonly string[] {
    const known = leaves.get(name)
    if (known !== undefined) return known
    const found = new Set<string>()
    const seen = new Set([name])
    for (const one of seen) {
      const shape = shapeOf(one)
      if (shape?.kind === 'either') for (const part of shape.of) seen.add(part)
      else found.add(one)
    }
    const result = [...found]
    leaves.set(name, result)
    return result
  }
  const overlap = new Overlap(leavesOf, shapeOf, () => void (over ||= (comparisons += 1) > COMPARISONS_MAX))

  function opened(parts: readonly (readonly [string, number])[]): Open {
    const open = new Map<string, number>()
    for (const [name, stacks] of parts)
      for (const leaf of leavesOf(name)) open.set(leaf, (open.get(leaf) ?? 0) + stacks)
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
