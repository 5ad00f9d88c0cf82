/** `stoker ledger check`: do the books of both sides hold, and agree? */
import { resolve } from 'node:path'

import { Command } from 'commander'

import { finishInSlices, type WorkSlice } from '#lib/sliced.ts'

import type { Audit } from '../audit/audit.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { printJson, printLine } from '../output.ts'

function print(result: Audit): void {
  const { ours, exchange, ahead } = result
  printLine(
    ours === null
      ? 'Ours:     no seller in this folder; the exchange alone was checked.'
      : `Ours:     ${ours.accounts} accounts, ${ours.transfers} transfers, ${ours.receipts} receipts re-summed; ${ours.open} jobs open.`,
  )
  printLine(
    exchange === null
      ? 'Exchange: none in this folder, so nothing was compared.'
      : `Exchange: ${exchange.accounts} accounts, ${exchange.transfers} transfers, ${exchange.receipts} receipts re-summed.`,
  )
  if (ahead !== null)
    printLine(
      ahead.receipts + ahead.releases === 0
        ? 'Compared: the exchange holds exactly what we hold.'
        : `Compared: ${ahead.receipts} receipts and ${ahead.releases} releases have not reached us yet; they come with the next connection.`,
    )
  for (const problem of result.problems) printLine(`PROBLEM   ${problem}`)
  printLine(
    result.ok
      ? 'Debits equal credits, receipts chain and verify.'
      : 'The books do not hold. Keep a copy of the data folder before anything else.',
  )
}

/** A line that is written over, for whoever looks on; nothing where the output goes to a file. */
const PROGRESS_EVERY = 40
const showProgress = (): ((slice: WorkSlice) => void) => {
  let slices = 0
  return ({ part, done, of }) => {
    slices += 1
    if (process.stderr.isTTY && slices % PROGRESS_EVERY === 0)
      process.stderr.write(`\r\u001b[K${part}: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`)
  }
}
const clearProgress = (): void => void (process.stderr.isTTY && process.stderr.write('\r\u001b[K'))

export function addLedger(program: Command): void {
  program
    .command('ledger')
    .description('the books')
    .addCommand(
      new Command('check')
        .description(
          're-sum the sides that are here, verify every receipt, compare the exchange with us (exit code 1 when something is wrong)',
        )
        .exitOverride()
        .option(...DATA_OPTION)
        .option('--json', 'print one line')
        .action(async (options: { data: string; json?: boolean }) => {
          const { auditSliced } = await import('../audit/audit.ts')
          const result = await finishInSlices(auditSliced(resolve(options.data)), { onSlice: showProgress() })
          clearProgress()
          if (options.json === true) printJson(result)
          else print(result)
          if (!result.ok) process.exitCode = 1
        }),
    )
}
