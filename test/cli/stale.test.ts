/** Folders whose owner was killed: its address stays in them, and whoever listens there by now must be sent nothing. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { apiToken, ensureDataDir, lockDataDir } from '#server/data-dir.ts'
import { stoker } from '#test/support/rig.ts'
import { tempDir } from '#test/support/temp-dir.ts'

/** Answers everything as a console or an exchange would, and remembers being asked. */
async function intruder(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? ''}`)
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ ok: true, loggedIn: true, link: 'stolen', buyerId: 'x', key: 'stolen' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** A folder in which an exchange alone has run. */
async function exchangeFolder(): Promise<string> {
  const dir = tempDir()
  const log = createLog('test')
  log.level = 'silent'
  const exchange = await startExchange({ dir: join(dir, 'exchange'), log })
  await exchange.stop()
  return dir
}

const leave = (dir: string, url: string): void => {
  for (const name of ['owner.json', 'listen.json'])
    writeFileSync(join(dir, name), JSON.stringify({ pid: process.pid, url, exchangeKey: 'A'.repeat(43) }))
}

describe('a folder whose owner was killed', () => {
  it('stoker link sends the token to nobody and says that nothing runs', async () => {
    const [dir, { url, asked }] = [ensureDataDir(tempDir()), await intruder()]
    lockDataDir(dir).release()
    apiToken(dir, () => randomIds(() => 0).secret(32))
    leave(dir, url)
    const { code, stderr } = await stoker(['link', '--data', dir])
    expect({ code, asked }).toEqual({ code: 3, asked: [] })
    expect(stderr).toContain('no Stoker is running')
  })

  it('stoker buyer-key takes the free folder itself and sends the admin token to nobody', async () => {
    const [dir, { url, asked }] = [await exchangeFolder(), await intruder()]
    leave(join(dir, 'exchange'), url)
    const { code, stdout } = await stoker(['buyer-key', '--data', dir])
    expect({ code, asked, key: stdout.startsWith('sk-practice-') }).toEqual({ code: 0, asked: [], key: true })
  })
})

describe('stoker ledger check', () => {
  it('checks the one side of a folder where only an exchange has run', async () => {
    const dir = await exchangeFolder()
    for (const folder of [dir, join(dir, 'exchange')]) {
      const { code, stdout } = await stoker(['ledger', 'check', '--json', '--data', folder])
      expect({ code, result: JSON.parse(stdout) as unknown }).toMatchObject({
        code: 7,
        result: {
          ok: false,
          problems: [],
          notCompared: [expect.stringContaining('no seller has run')],
          ours: null,
          exchange: { receipts: 0 },
        },
      })
    }
  })
})
