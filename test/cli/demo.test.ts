import { createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'

import type { DemoResult } from '#cli/demo/demo-report.ts'
import { amountOf, nanoPerMtok, splitFee } from '#contract/money.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { processes } from '#test/support/processes.ts'
import { stoker } from '#test/support/rig.ts'

const JOBS = 14
const folder = temporaryFolder()
/** Runs without `--data` make their folder here, so that runs of others beside this one are not taken for ours. */
const temporary = temporaryFolder()

afterAll(() => {
  folder.remove()
  temporary.remove()
})

async function demo(seed: string, args: readonly string[] = []): Promise<DemoResult> {
  const { code, stdout, stderr } = await stoker(['demo', '--json', '--seed', seed, '--jobs', String(JOBS), ...args], {
    timeoutMs: 240_000,
    env: { TMPDIR: temporary.path },
  })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as DemoResult
}

describe('stoker demo', () => {
  it('runs the whole loop, and equal seeds give equal results', async () => {
    const first = await demo('repeat-1', ['--data', folder.path])
    const second = await demo('repeat-1')
    expect(second.repro).toEqual(first.repro)
    expect([first.ledgerOk, second.ledgerOk]).toEqual([true, true])
    const { repro } = first
    expect(repro.jobs).toBe(JOBS)
    // Held and available are what the fee leaves, and with 3 s between jobs and 30 s of hold both are there.
    expect(repro.heldNano + repro.availableNano).toBe(repro.grossNano - repro.feeNano)
    expect(Math.min(repro.heldNano, repro.availableNano)).toBeGreaterThan(0)
    // Amounts are floored job by job, so the sum may lack one nano a job, never have one more.
    const whole = amountOf(repro.tokensIn + repro.tokensOut, nanoPerMtok(1_000_000_000))
    expect(repro.grossNano).toBeLessThanOrEqual(whole)
    expect(repro.grossNano).toBeGreaterThan(whole - JOBS)
    expect(repro.feeNano).toBeLessThanOrEqual(splitFee(whole, 500).fee)
    const left = processes().filter(({ command }) => [folder, temporary].some(({ path }) => command.includes(path)))
    expect(left).toEqual([])
  }, 500_000)

  it('leaves a transcript that verifies under the exchange’s key, and not when one reply was changed', async () => {
    const db = new Database(join(folder.path, 'practice.db'), { readonly: true })
    const { json } = db.prepare('SELECT transcript_json AS json FROM exams').get() as { json: string }
    db.close()
    const key = String(
      createPublicKey(readFileSync(join(folder.path, 'exchange', 'exchange.key'))).export({ format: 'jwk' }).x,
    )
    const [right, wrong] = [join(folder.path, 'right.json'), join(folder.path, 'wrong.json')]
    writeFileSync(right, json)
    writeFileSync(
      wrong,
      json.replace(/"reply":"[^"]/, (start) => `${start.slice(0, -1)}~`),
    )
    const results = await Promise.all(
      [right, wrong].map((file) => stoker(['verify', 'transcript', file, '--exchange-key', key])),
    )
    expect(results.map((result) => result.code)).toEqual([0, 1])
    expect(results[0]!.stdout).toContain('witnessed')
  })

  it('leaves books that hold, until one number in them is changed on either side', async () => {
    const check = async (): Promise<number | null> =>
      (await stoker(['ledger', 'check', '--data', folder.path, '--json'])).code
    const change = (file: string, sql: string): void => {
      const db = new Database(join(folder.path, file))
      db.exec(sql)
      db.close()
    }
    const codes = [await check()]
    for (const file of ['practice.db', join('exchange', 'exchange.db')]) {
      change(file, `UPDATE balances SET credits = credits + 1 WHERE account = (SELECT min(account) FROM balances)`)
      codes.push(await check())
      change(file, `UPDATE balances SET credits = credits - 1 WHERE account = (SELECT min(account) FROM balances)`)
    }
    codes.push(await check())
    expect(codes).toEqual([0, 1, 1, 0])
  })
})
