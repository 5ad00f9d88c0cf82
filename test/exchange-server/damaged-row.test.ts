/** Rows of one supplier that cannot be read: that supplier is refused in words, everybody else goes on being served. */
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

import { FakeSupplier } from '#test/support/fake-supplier.ts'

import { admin, ASK, balances, buyerKey, client, exchangeWith, NANO, say } from './exchange-support.ts'

const HOLD_MS = 30_000
const TOO_LARGE = '9007199254740993'

/** Two suppliers of protocol 2 that have sold one answer each, whose money is still held. */
async function twoThatSold() {
  const { exchange, suppliers } = await exchangeWith(2)
  const buyer = client(exchange, await buyerKey(exchange))
  for (const supplier of suppliers) {
    supplier.offer(NANO, ASK)
    await supplier.next('offer.accepted')
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    await supplier.next('job.settled')
    supplier.send({ t: 'withdraw', instrument: NANO })
  }
  const [hurt, well] = suppliers as [FakeSupplier, FakeSupplier]
  const damage = (sql: string): void => {
    const file = new Database(`${exchange.dir}/exchange.db`)
    file.exec(sql.replaceAll('$hurt', `'${hurt.key.publicKey}'`))
    file.close()
  }
  const comes = async (supplier: FakeSupplier): Promise<string> => {
    const again = new FakeSupplier(exchange.url, supplier.key)
    onTestFinished(() => again.socket.terminate())
    return again.open().then(
      () => 'welcome',
      (error: Error) => (JSON.parse(error.message) as { code: string }).code,
    )
  }
  return { exchange, hurt, well, buyer, damage, comes }
}

const DAMAGES = {
  'its row': `UPDATE suppliers SET release_seq = ${TOO_LARGE} WHERE supplier = $hurt`,
  'a hold of it': `UPDATE holds SET amount_nano = ${TOO_LARGE} WHERE supplier = $hurt`,
}

describe('a row that cannot be read', () => {
  it.each(Object.entries(DAMAGES))('of one supplier (%s) holds back no release of another', async (_name, sql) => {
    const { exchange, hurt, well, damage } = await twoThatSold()
    damage(sql)
    await admin(exchange, '/clock', { advanceMs: HOLD_MS })
    await well.next('released')
    expect(balances(exchange, well.key.publicKey).available).toBeGreaterThan(0)
    expect(balances(exchange, hurt.key.publicKey)).toMatchObject({ available: 0 })
  })

  it('in the chain that a welcome names refuses its supplier and nobody else', async () => {
    const { exchange, hurt, well, buyer, damage, comes } = await twoThatSold()
    await admin(exchange, '/clock', { advanceMs: HOLD_MS })
    await hurt.next('released')
    damage(`DROP TRIGGER releases_no_update; UPDATE releases SET at = ${TOO_LARGE} WHERE supplier = $hurt`)
    expect(await comes(hurt)).toBe('DB_CORRUPT')
    expect(await comes(well)).toBe('welcome')
    well.socket.terminate()
    const again = await FakeSupplier.connect(exchange.url, well.key)
    onTestFinished(() => again.socket.terminate())
    again.offer(NANO, ASK)
    await again.next('offer.accepted')
    expect((await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).choices).toHaveLength(1)
  })
})
