import { describe, expect, it } from 'vitest'

import type { DemoResult } from '#cli/demo/report.ts'
import { amountOf, nanoPerMtok, splitFee } from '#contract/money.ts'
import { processes } from '#test/support/processes.ts'
import { stoker } from '#test/support/rig.ts'

const JOBS = 14

async function demo(seed: string): Promise<DemoResult> {
  const { code, stdout, stderr } = await stoker(['demo', '--json', '--seed', seed, '--jobs', String(JOBS)], { timeoutMs: 240_000 })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as DemoResult
}

describe('stoker demo', () => {
  it('runs the whole loop, and equal seeds give equal results', async () => {
    const first = await demo('repeat-1')
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
    expect(processes().filter(({ command }) => command.includes('stoker-demo-'))).toEqual([])
  }, 500_000)
})
