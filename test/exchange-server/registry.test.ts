/** Catches: a seller whose thirty days ran out keeps selling for as long as its session lasts. */
import { expect, it } from 'vitest'

import { brandId, type ModelSha256, type PublicKey } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { Peer } from '#exchange-server/supply/peer.ts'
import { Registry } from '#exchange-server/supply/supplier-registry.ts'

import { NANO } from './exchange-support.ts'

it('an offer stands until its qualification ends, and not a moment longer', () => {
  const wire = { bufferedBytes: 0, close: () => undefined, send: () => undefined }
  const peer = new Peer({
    protocol: 1,
    session: 's',
    supplier: brandId<PublicKey>('k'),
    name: 'x',
    wire,
    mono: 0,
    onBroken: () => undefined,
  })
  peer.offers.set(NANO, {
    instrument: NANO,
    deploymentId: 'd',
    identity: { kind: 'gguf', sha256: brandId<ModelSha256>('a'.repeat(64)), engine: 'e', device: 'd' },
    ask: onePrice(nanoPerMtok(1)),
    slots: 1,
    contextTokens: 128,
    maxOutputTokens: 32,
    qualifiedUntil: 1_000,
    order: 1,
  })
  const registry = new Registry()
  registry.add(peer)
  expect([registry.standing(NANO, 999).length, registry.standing(NANO, 1_000).length]).toEqual([1, 0])
})
