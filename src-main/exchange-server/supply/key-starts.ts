/**
 * Who has a supplier's key: a higher epoch takes over, an equal one of another instance is a copied folder, a lower one
 * an older start or an older copy. Pure. docs/protocol.md, One key, one rig.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import { EPOCH_MAX } from '#contract/supplier-v2.ts'

/** What the exchange keeps of the last one it let in; epoch 0 for one that never spoke protocol 2. */
export interface KeyStart {
  epoch: number
  instance: string
}

export interface ClaimedStart extends KeyStart {
  /** The owner's word, at this start. */
  takeover: boolean
}

/** Who has the key from now on, or why the claim is refused; `data.epoch` then names the epoch that stands. */
export function nextStart(before: KeyStart, claim: ClaimedStart): KeyStart | StokerError {
  const { epoch, instance } = claim
  if (epoch > before.epoch) return { epoch, instance }
  // Never here before in this protocol: whoever counts from 0 is no copy.
  if (before.epoch === 0 && before.instance === '') return { epoch: 1, instance }
  if (epoch === before.epoch && instance === before.instance) return before
  // Above whatever stood: the other one, when it comes again, is the older one.
  if (claim.takeover) return { epoch: Math.min(before.epoch + 1, EPOCH_MAX), instance }
  const data = { data: { epoch: before.epoch } }
  return epoch === before.epoch
    ? fail('exchange.keyCopied', { epoch }, data)
    : fail('exchange.keyOlder', { epoch, standing: before.epoch }, data)
}
