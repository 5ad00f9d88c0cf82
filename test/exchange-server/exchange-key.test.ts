/** An exchange goes on under the key that signed its books, and makes no other without a word. */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { createSigningKey } from '#lib/ed25519.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { listed, NANO, say, silent, startTestExchange } from './exchange-support.ts'

/** A folder whose books hold one receipt; its exchange has ended. */
async function soldOnce(): Promise<{ dir: string; path: string; exchangeKey: string }> {
  const { exchange, client, supplier } = await listed()
  await client.chat.completions.create({ model: NANO, messages: say('Hi') })
  await supplier.next('job.settled')
  await exchange.stop()
  const { dir, exchangeKey } = exchange
  return { dir, path: join(dir, 'exchange.key'), exchangeKey }
}
const reasonOf = async (dir: string): Promise<unknown> => {
  try {
    await (await startExchange({ dir, log: silent })).stop()
    return null
  } catch (error) {
    return error instanceof StokerError ? error.reason : error
  }
}

describe('the key of an exchange', () => {
  it('is not made anew where its books hold receipts; put back it goes on', async () => {
    const { dir, path, exchangeKey } = await soldOnce()
    rmSync(path)
    expect(await reasonOf(dir)).toEqual({ code: 'exchange.keyMissing', params: { path, dir } })
    expect(existsSync(path)).toBe(false)
    const other = createSigningKey(path)
    expect(await reasonOf(dir)).toEqual({
      code: 'exchange.keyForeign',
      params: { path, dir, found: other.publicKey, key: exchangeKey },
    })
  })

  it('nothing holds the folder after such a refusal: with the right file it starts', async () => {
    const { dir, path, exchangeKey } = await soldOnce()
    renameSync(path, `${path}.aside`)
    expect(await reasonOf(dir)).toMatchObject({ code: 'exchange.keyMissing' })
    renameSync(`${path}.aside`, path)
    expect((await startTestExchange({ dir })).exchangeKey).toBe(exchangeKey)
  })

  it('is made where nothing was signed yet, however old the folder', async () => {
    const dir = tempDir()
    const first = await startExchange({ dir, log: silent })
    await first.stop()
    rmSync(join(dir, 'exchange.key'))
    const second = await startTestExchange({ dir })
    expect(second.exchangeKey).not.toBe(first.exchangeKey)
  })
})
