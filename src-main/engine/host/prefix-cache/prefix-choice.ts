/** Which slot a new job takes, and where the longest cached prefix of its prompt comes from. */
import { COPY_MIN_TOKENS, commonLength, SAVE_MIN_TOKENS } from './prefix-common.ts'
import type { SavedPrefixes, SavedPrefix } from './saved-prefixes.ts'
import type { Sequence } from '../scheduler/sequence.ts'

export interface SlotsView {
  reuse: boolean
  bySlot: readonly (Sequence | null)[]
  /** Tokens in the KV cache of each slot. */
  contents: readonly (readonly number[])[]
  /** Whether the content of each slot is of the job's own cache scope; what is not counts as having nothing in common. */
  shared: readonly boolean[]
  /** When each slot was released, as a running number. */
  usedAt: readonly number[]
  /** Of the job's own scope. */
  savedPrefixes: { best(prompt: readonly number[], most: number): ReturnType<SavedPrefixes['best']> }
  /** The loop can copy between slots. */
  copies: boolean
}

export interface SlotChoice {
  slot: number
  /** Length of the prefix to reuse, in tokens. */
  common: number
  /** The part of it that is already in the slot. */
  own: number
  /** Another slot to copy it from, or a saved prefix to restore; neither: it is in the slot itself. */
  from: number | null
  saved: SavedPrefix | null
}

/** Where the loop cannot copy, a prefix this long is worth a gap between the running slots. */
const GAP_MIN_TOKENS = 32

/** The free slots that leave the fewest runs of adjacent slots once taken, ascending. */
function densest(bySlot: readonly (Sequence | null)[]): number[] {
  let best: number[] = []
  // Taking a slot joins it to its running neighbours: without any it makes one run more, with two one less.
  let most = -1
  for (const [slot, sequence] of bySlot.entries()) {
    if (sequence !== null) continue
    const neighbours = ((bySlot[slot - 1] ?? null) === null ? 0 : 1) + ((bySlot[slot + 1] ?? null) === null ? 0 : 1)
    if (neighbours < most) continue
    if (neighbours > most) best = []
    most = neighbours
    best.push(slot)
  }
  return best
}

/** The slot whose content is worth least: an empty one, else the least recently used. */
function cheapest(slots: readonly number[], { contents, usedAt }: SlotsView): number {
  const worth = (slot: number): number => (contents[slot]?.length === 0 ? -1 : (usedAt[slot] ?? 0))
  return slots.reduce((best, slot) => (worth(slot) < worth(best) ? slot : best))
}

/** At least one slot must be free. At least one prompt token is left to evaluate: its logits are sampled from. */
export function chooseSlot(prompt: readonly number[], view: SlotsView): SlotChoice {
  const { bySlot, contents, savedPrefixes, copies } = view
  const candidates = densest(bySlot)
  if (!view.reuse) return { slot: candidates[0] ?? 0, common: 0, own: 0, from: null, saved: null }
  const most = prompt.length - 1
  const commons = contents.map((content, slot) =>
    view.shared[slot] === true ? commonLength(content, prompt, most) : 0,
  )
  const own = (slot: number): number => commons[slot] ?? 0
  const longest = (slots: readonly number[]): number =>
    slots.reduce((best, slot) => (own(slot) > own(best) ? slot : best))

  const inPlace = longest(candidates)
  const free = longest([...bySlot.keys()].filter((slot) => bySlot[slot] === null))
  const anywhere = longest([...bySlot.keys()])
  const best = savedPrefixes.best(prompt, most)
  const outside = copies ? anywhere : free
  const common = Math.max(own(outside), best?.common ?? 0)
  const here = (slot: number): SlotChoice => ({ slot, common: own(slot), own: own(slot), from: null, saved: null })

  if (common < COPY_MIN_TOKENS) return here(cheapest(candidates, view))
  // The rest of that slot's content is lost or must be saved: an empty slot and a copy cost less.
  const lost = (contents[inPlace]?.length ?? 0) - own(inPlace)
  const empty = copies && lost >= SAVE_MIN_TOKENS && candidates.some((slot) => contents[slot]?.length === 0)
  if (own(inPlace) + COPY_MIN_TOKENS > common && !empty) return here(inPlace)
  if (!copies && own(free) === common)
    return own(free) >= GAP_MIN_TOKENS ? here(free) : here(cheapest(candidates, view))
  const slot = cheapest(candidates, view)
  if (best !== null && best.common > own(outside))
    return { slot, common, own: own(slot), from: null, saved: best.prefix }
  return { slot, common, own: own(slot), from: outside, saved: null }
}
