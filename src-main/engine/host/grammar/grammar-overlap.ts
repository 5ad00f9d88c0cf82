/**
 * Whether two rules of a JSON grammar may both have parsed the same text so far. In doubt they may, so that the result
 * is an upper bound.
 */
import { classOfText, type Member, type RuleShape } from './grammar-shapes.ts'

type ObjectShape = Extract<RuleShape, { kind: 'object' | 'map' }>
type ArrayShape = Extract<RuleShape, { kind: 'array' }>

/** The rule of a property; null where the shape allows none. A null key stands for one that no schema names. */
export const memberOf = (shape: ObjectShape, key: string | null): string | null =>
  shape.kind === 'map' ? shape.value : (shape.members.find((member) => member.name === key)?.value ?? null)
export const itemOf = (shape: ArrayShape, index: number): string | null =>
  shape.most !== null && index >= shape.most ? null : (shape.first[index] ?? shape.item)

const classOf = (shape: RuleShape): string =>
  shape.kind === 'plain' ? shape.class : shape.kind === 'map' ? 'object' : shape.kind
const positionOf = (shape: ObjectShape, key: string | null): number =>
  shape.kind === 'map' || key === null ? -1 : shape.members.findIndex((member) => member.name === key)
/** Properties that must have come before the key; all of them for undefined. */
function mustBefore(shape: ObjectShape, key: string | null | undefined): readonly Member[] {
  if (shape.kind === 'map') return []
  const end = key === undefined ? shape.members.length : positionOf(shape, key)
  return shape.members.filter((member, at) => member.must && at < end)
}

export class Overlap {
  readonly #terminalsOf: (name: string) => readonly string[]
  readonly #shapeOf: (name: string) => RuleShape | undefined
  readonly #spend: () => void
  readonly #known = new Map<string, boolean>()

  /** `spend` is called for each comparison, and throws when there are too many. */
  constructor(
    terminalsOf: (name: string) => readonly string[],
    shapeOf: (name: string) => RuleShape | undefined,
    spend: () => void,
  ) {
    this.#terminalsOf = terminalsOf
    this.#shapeOf = shapeOf
    this.#spend = spend
  }

  /** Some whole value is valid under both. */
  values(a: string, b: string): boolean {
    if (a === b) return true
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // Recursive values are assumed to overlap until something else tells them apart.
    this.#known.set(key, true)
    const overlap = this.#terminalsOf(a).some((one) =>
      this.#terminalsOf(b).some((other) => this.#terminals(one, other)),
    )
    this.#known.set(key, overlap)
    return overlap
  }

  /** Both may have parsed the same properties and be at the value of this one; at their end for undefined. */
  objectsAt(a: ObjectShape, b: ObjectShape, key: string | null | undefined): boolean {
    const covers = (one: ObjectShape, other: ObjectShape): boolean =>
      mustBefore(one, key).every((member) => {
        this.#spend()
        const value = memberOf(other, member.name)
        const inOrder =
          key === undefined || other.kind === 'map' || positionOf(other, member.name) < positionOf(other, key)
        return value !== null && inOrder && this.values(member.value, value)
      })
    return covers(a, b) && covers(b, a)
  }

  /** Both may have parsed the same items before this one. */
  arraysAt(a: ArrayShape, b: ArrayShape, index: number): boolean {
    for (let before = 0; before < index; before += 1) {
      this.#spend()
      const [one, other] = [itemOf(a, before), itemOf(b, before)]
      if (one === null || other === null || !this.values(one, other)) return false
    }
    return true
  }

  #terminals(a: string, b: string): boolean {
    this.#spend()
    const [one, other] = [this.#shapeOf(a), this.#shapeOf(b)]
    if (one === undefined || other === undefined || a === b) return true
    if (one.kind === 'texts' && other.kind === 'texts') return [...one.texts].some((text) => other.texts.has(text))
    if (one.kind === 'texts') return [...one.texts].some((text) => classOfText(text) === classOf(other))
    if (other.kind === 'texts') return this.#terminals(b, a)
    if (classOf(one) !== classOf(other)) return false
    if (one.kind === 'array' && other.kind === 'array')
      return this.arraysAt(
        one,
        other,
        Math.min(Math.max(one.least, other.least), Math.max(one.first.length, other.first.length) + 1),
      )
    if ((one.kind === 'object' || one.kind === 'map') && (other.kind === 'object' || other.kind === 'map'))
      return this.objectsAt(one, other, undefined)
    return true
  }
}
