import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { GENESIS, makeReceipt, signClaim, signReceipt } from '#books/receipts.ts'
import { brandId } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { stoker } from '#test/support/rig.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const VECTORS = resolve(import.meta.dirname, '../fixtures/exam/vectors.jsonl')

function aReceipt(): { receipt: Receipt; exchangeKey: string } {
  const [seller, exchange] = [generateSigningKey(), generateSigningKey()]
  const signed = signClaim(seller, {
    v: 1,
    jobId: brandId('job_1'),
    supplier: seller.publicKey,
    instrument: brandId('practice/text-nano'),
    specVersion: 1,
    modelSha256: brandId('a'.repeat(64)),
    usage: { inputTokens: 10, outputTokens: 5 },
    timings: { ttftMs: 3, durationMs: 9 },
    requestMac: 'b'.repeat(64),
    answerMac: 'c'.repeat(64),
    finish: 'stop',
  })
  const unsigned = makeReceipt({
    signed,
    seq: 1,
    prev: GENESIS,
    realm: 'practice',
    billed: { inputTokens: 10, outputTokens: 5 },
    priceNanoPerMtok: nanoPerMtok(1_000_000),
    feeBps: 500,
    settledAt: 1,
    releaseAt: 2,
    exchange: exchange.publicKey,
  })
  return { receipt: signReceipt(exchange, unsigned), exchangeKey: exchange.publicKey }
}

describe('stoker exam items', () => {
  it('prints the 400 vectors to the byte', async () => {
    const [one, two] = await Promise.all(
      ['1', '2'].map((level) => stoker(['exam', 'items', '--seed', 'vector-1', '--level', level, '--count', '25'])),
    )
    const printed = `${one!.stdout}${two!.stdout}`.trim().split('\n').toSorted()
    expect(printed).toEqual(readFileSync(VECTORS, 'utf8').trim().split('\n').toSorted())
  })
})

describe('a reader that has seen enough', () => {
  it('is no failure: the rest of the output is dropped', async () => {
    const child = spawn(
      process.execPath,
      [
        resolve(import.meta.dirname, '../../src-main/cli/main.ts'),
        'exam',
        'items',
        '--seed',
        'v',
        '--level',
        '1',
        '--count',
        '5000',
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
    child.stdout.once('data', () => child.stdout.destroy())
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('stoker verify receipt', () => {
  it('accepts a true one under its pinned key, and says self-consistent only without it', async () => {
    const { receipt, exchangeKey } = aReceipt()
    const file = join(tempDir(), 'receipt.json')
    writeFileSync(file, JSON.stringify(receipt))
    const [pinned, bare] = await Promise.all([
      stoker(['verify', 'receipt', file, '--exchange-key', exchangeKey]),
      stoker(['verify', 'receipt', file]),
    ])
    expect([pinned.code, bare.code, bare.stdout.includes('self-consistent only')]).toEqual([0, 0, true])
  })

  it.each([
    ['an amount', (receipt: Receipt) => ({ ...receipt, sellerNano: receipt.sellerNano + 1 })],
    ['the claim', (receipt: Receipt) => ({ ...receipt, claim: { ...receipt.claim, modelSha256: 'd'.repeat(64) } })],
    [
      'the signature',
      (receipt: Receipt) => ({
        ...receipt,
        exchangeSig: `${receipt.exchangeSig.startsWith('A') ? 'B' : 'A'}${receipt.exchangeSig.slice(1)}`,
      }),
    ],
  ])('exits 1 when %s was changed', async (_what, change) => {
    const { receipt } = aReceipt()
    const file = join(tempDir(), 'receipt.json')
    writeFileSync(file, JSON.stringify(change(receipt)))
    const result = await stoker(['verify', 'receipt', file, '--json'])
    expect([result.code, (JSON.parse(result.stdout) as { ok: boolean }).ok]).toEqual([1, false])
  })
})

describe('exit codes', () => {
  it.each([
    [['--help'], 0],
    [['serve', '--help'], 0],
    [['--version'], 0],
    [['no-such-command'], 2],
    [['exam', 'items', '--seed', 'a b', '--level', '1', '--count', '1'], 2],
    [['exam', 'items', '--seed', 'a', '--level', '3', '--count', '1'], 2],
    [['serve', '--port', '70000'], 2],
    [['serve', '--host', '0.0.0.0', '--data', '{dir}'], 2],
    [['serve', '--tls-cert', '/none', '--tls-key', '/none', '--data', '{dir}'], 2],
    [['verify', 'receipt', '/none'], 2],
    [['link', '--data', '{dir}'], 3],
    [['status', '--data', '{dir}'], 3],
    [['relist', 'practice/text-nano', '--data', '{dir}'], 3],
    [['relist'], 2],
    [['buyer-key', '--data', '{dir}'], 3],
    [['ledger', 'check', '--data', '{dir}'], 3],
    [['ledger', 'write-off', 'x', '--data', '{dir}'], 2],
    [['ledger', 'write-off', 'A'.repeat(43), '--data', '{dir}'], 3],
    [['venue', 'keys', '--data', '{dir}'], 3],
    [['venue', 'trust', '--data', '{dir}'], 2],
    [['venue', 'take-over', '--data', '{dir}'], 3],
    [['ledger', 'check', '--data', '{dir}/none'], 3],
  ])('%j ends with %i', async (args, code) => {
    const dir = tempDir()
    const result = await stoker(args.map((arg) => arg.replace('{dir}', dir)))
    expect({ code: result.code, stderr: result.stderr.includes('this is a fault in Stoker') }).toEqual({
      code,
      stderr: false,
    })
  })
})
