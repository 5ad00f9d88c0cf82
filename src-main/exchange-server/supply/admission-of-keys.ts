/** Which start of a supplier has its key, as stored; and where its chains end. */
import { fail, StokerError } from '#contract/errors.ts'
import type { ChainHeads } from '#contract/supplier-v2.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { chainHeadsOf, findSupplier, setEpoch } from '../store/suppliers.store.ts'
import type { Hello } from './handshake.ts'
import { nextStart } from './key-starts.ts'

/**
 * Stores who has the key from now on. `moved`: it was another start before. Errors: CONFLICT with `data.epoch` for a
 * copy or an older start; CONFLICT for version 1 by a key that has spoken version 2.
 */
export function admitStart({ db }: ExchangeContext, hello: Hello): { epoch: number; moved: boolean } {
  const row = findSupplier(db.read, hello.supplier)
  const before = { epoch: row?.epoch ?? 0, instance: row?.instance ?? '' }
  if (hello.protocol === 1) {
    if (before.epoch > 0) throw fail('exchange.protocolOlder')
    return { epoch: 0, moved: false }
  }
  const { epoch, instance, takeover } = hello
  const next = nextStart(before, { epoch, instance, takeover: takeover === true })
  if (next instanceof StokerError) throw next
  if (next !== before) db.tx((write) => setEpoch(write, hello.supplier, next.epoch, next.instance))
  return { epoch: next.epoch, moved: before.epoch > 0 && next.instance !== before.instance }
}

export const chainHeads = ({ db }: ExchangeContext, supplier: string): ChainHeads => chainHeadsOf(db.read, supplier)
