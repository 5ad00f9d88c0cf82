/** The llama_batch that every step fills: native arrays of fixed size, written by copying typed arrays into them. */
import type { StepItem } from '../scheduler/step-model.ts'
import type { Batch, NativeLlama } from './native-types.ts'

export interface StepBatch {
  /**
   * Fills the batch with the items; `lastAt` is the index of the last token of each. Throws RangeError beyond the
   * capacity.
   */
  put(items: readonly StepItem[]): { batch: Batch; tokens: number; lastAt: number[] }
  dispose(): void
}

export function createBatch(native: NativeLlama, capacity: number): StepBatch {
  const [tokens, positions, sequences, outputs] = [
    new Int32Array(capacity),
    new Int32Array(capacity),
    new Int32Array(capacity),
    new Int8Array(capacity),
  ]
  const pointers = {
    token: native.allocate('int32', capacity),
    pos: native.allocate('int32', capacity),
    sequences: native.allocate('int32', capacity),
    n_seq_id: native.allocate('int32', capacity),
    seq_id: native.allocate('uint64', capacity),
    logits: native.allocate('int8', capacity),
  }
  // Every token belongs to one sequence: the table of pointers never changes, only what it points to.
  native.copyIn(pointers.n_seq_id, new Int32Array(capacity).fill(1), capacity * 4)
  native.copyIn(
    pointers.seq_id,
    BigUint64Array.from({ length: capacity }, (_, at) => pointers.sequences + BigInt(at * 4)),
    capacity * 8,
  )
  return {
    put(items) {
      let count = 0
      const lastAt: number[] = []
      for (const { slot, position, tokens: given, sampler } of items) {
        if (count + given.length > capacity) throw new RangeError(`a step of more than ${capacity} tokens`)
        for (let at = 0; at < given.length; at += 1, count += 1) {
          tokens[count] = given[at] ?? 0
          positions[count] = position + at
          sequences[count] = slot
          outputs[count] = 0
        }
        if (sampler !== null) outputs[count - 1] = 1
        lastAt.push(count - 1)
      }
      native.copyIn(pointers.token, tokens, count * 4)
      native.copyIn(pointers.pos, positions, count * 4)
      native.copyIn(pointers.sequences, sequences, count * 4)
      native.copyIn(pointers.logits, outputs, count)
      const { token, pos, n_seq_id, seq_id, logits } = pointers
      return { batch: { n_tokens: count, token, embd: null, pos, n_seq_id, seq_id, logits }, tokens: count, lastAt }
    },
    dispose() {
      for (const pointer of Object.values(pointers)) native.release(pointer)
    },
  }
}
