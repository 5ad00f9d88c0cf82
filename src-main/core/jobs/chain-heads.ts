/**
 * Whether the venue's history of us is the one we hold, by the heads of both chains that it says at connect. Pure.
 * docs/protocol.md, Heads.
 */
import { because, type Reason } from '#contract/reasons.ts'
import type { ChainHead, ChainHeads } from '#contract/supplier-v2.ts'

/** A chain of ours: its last number, and the hash of each record; that of number 0 is 64 zeros. */
export interface OwnChain {
  seq: number
  /** Null where there is no such record. */
  hashAt: (seq: number) => string | null
}
export interface OwnChains {
  receipts: OwnChain
  releases: OwnChain
}

/** `behind`: the venue has more, and a sync shows whether it joins. */
export type HeadsVerdict = { kind: 'same' | 'behind' } | { kind: 'diverged'; reason: Reason }

function compare({ seq, hashAt }: OwnChain, theirs: ChainHead): 'same' | 'behind' | 'older' | 'empty' | 'forked' {
  if (theirs.seq > seq) return 'behind'
  if (hashAt(theirs.seq) !== theirs.hash) return 'forked'
  if (theirs.seq === seq) return 'same'
  return theirs.seq === 0 ? 'empty' : 'older'
}

export function compareHeads(ours: OwnChains, theirs: ChainHeads): HeadsVerdict {
  const receipts = compare(ours.receipts, theirs.receipts)
  const releases = compare(ours.releases, theirs.releases)
  const numbers = { ours: ours.receipts.seq, theirs: theirs.receipts.seq }
  if (receipts === 'forked' || releases === 'forked')
    return { kind: 'diverged', reason: because('history.forked', numbers) }
  if (receipts === 'empty')
    return { kind: 'diverged', reason: because('history.exchangeEmpty', { ours: numbers.ours }) }
  if (receipts === 'older') return { kind: 'diverged', reason: because('history.exchangeOlder', numbers) }
  if (releases === 'older' || releases === 'empty')
    return {
      kind: 'diverged',
      reason: because('history.releasesOlder', { ours: ours.releases.seq, theirs: theirs.releases.seq }),
    }
  return { kind: receipts === 'behind' || releases === 'behind' ? 'behind' : 'same' }
}

/** After a sync: what the venue said at connect must be part of what we hold now; null when it is. */
export function unjoined(ours: OwnChains, theirs: ChainHeads): Reason | null {
  const holds = ({ hashAt }: OwnChain, head: ChainHead): boolean => hashAt(head.seq) === head.hash
  return holds(ours.receipts, theirs.receipts) && holds(ours.releases, theirs.releases)
    ? null
    : because('history.unjoined', { ours: ours.receipts.seq, theirs: theirs.receipts.seq })
}
