/** Where a new job goes, and from where its prompt's beginning comes. */
import { COPY_MIN_TOKENS, commonLength, PARK_MIN_TOKENS } from './prefix-common.ts'
import type { Park, Parked } from './saved-prefixes.ts'
import type { Placed } from '../scheduler/sequence.ts'

export interface Known {
  reuse: boolean
  bySlot: readonly (Placed | null)[]
  /** Tokens that each slot holds. */
  contents: readonly (readonly number[])[]
  /** When each slot was left, in no unit. */
  usedAt: readonly number[]
  parked: Pick<Park, 'best'>
  /** The loop can copy between slots. */
  copies: boolean
}

export interface Placing {
  slot: number
  /** Tokens to take over. */
  common: number
  /** Of them, those that the slot itself holds. */
  own: number
  /** Another slot to copy from, or a parked state; neither: the slot's own content. */
  from: number | null
  state: Parked | null
}

/** So many are worth a gap between the running slots, where the loop cannot copy. */
const GAP_MIN_TOKENS = 32

/** Free slots that leave the fewest runs of neighbouring slots once taken, ascending. */
function densest(bySlot: readonly (Placed | null)[]): number[] {
  let best: number[] = []
  // Taking a slot joins it to the neighbours it has: none makes one run more, two one less.
  let most = -1
  for (const [slot, placed] of bySlot.entries()) {
    if (placed !== null) continue
    const neighbours = ((bySlot[slot - 1] ?? null) === null ? 0 : 1) + ((bySlot[slot + 1] ?? null) === null ? 0 : 1)
    if (neighbours < most) continue
    if (neighbours > most) best = []
    most = neighbours
    best.push(slot)
  }
  return best
}

/** The slot whose content is worth least: empty, else longest unused. */
function cheapest(slots: readonly number[], { contents, usedAt }: Known): number {
  const worth = (slot: number): number => (contents[slot]?.length === 0 ? -1 : (usedAt[slot] ?? 0))
  return slots.reduce((best, slot) => (worth(slot) < worth(best) ? slot : best))
}

/** At least one slot is free. At least one prompt token is left to evaluate. */
export function placeFor(prompt: readonly number[], known: Known): Placing {
  const { bySlot, contents, parked, copies } = known
  const candidates = densest(bySlot)
  if (!known.reuse) return { slot: candidates[0] ?? 0, common: 0, own: 0, from: null, state: null }
  const most = prompt.length - 1
  const commons = contents.map((content) => commonLength(content, prompt, most))
  const own = (slot: number): number => commons[slot] ?? 0
  const longest = (slots: readonly number[]): number =>
    slots.reduce((best, slot) => (own(slot) > own(best) ? slot : best))

  const inPlace = longest(candidates)
  const free = longest([...bySlot.keys()].filter((slot) => bySlot[slot] === null))
  const anywhere = longest([...bySlot.keys()])
  const state = parked.best(prompt, most)
  const outside = copies ? anywhere : free
  const common = Math.max(own(outside), state?.common ?? 0)
  const here = (slot: number): Placing => ({ slot, common: own(slot), own: own(slot), from: null, state: null })

  if (common < COPY_MIN_TOKENS) return here(cheapest(candidates, known))
  // What else that slot holds is lost or has to be parked: an empty one and a copy are cheaper.
  const lost = (contents[inPlace]?.length ?? 0) - own(inPlace)
  const empty = copies && lost >= PARK_MIN_TOKENS && candidates.some((slot) => contents[slot]?.length === 0)
  if (own(inPlace) + COPY_MIN_TOKENS > common && !empty) return here(inPlace)
  if (!copies && own(free) === common)
    return own(free) >= GAP_MIN_TOKENS ? here(free) : here(cheapest(candidates, known))
  const slot = cheapest(candidates, known)
  if (state !== null && state.common > own(outside))
    return { slot, common, own: own(slot), from: null, state: state.parked }
  return { slot, common, own: own(slot), from: outside, state: null }
}
