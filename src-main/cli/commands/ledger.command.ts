/** `stoker ledger check`: do the books of both sides hold, and agree? */
import { resolve } from 'node:path'

import { Command } from 'commander'

import { brandId, type PublicKey } from '#contract/ids.ts'
import { finishInSlices, type WorkSlice } from '#lib/sliced.ts'

import type { Audit } from '../audit/audit.ts'
import { needOwner } from '../owner.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { printJson, printLine } from '../output.ts'
import { venueOf } from './venue.command.ts'

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

async function writeOff(
  key: string,
  options: { data: string; venue?: string; claims?: boolean; json?: boolean },
): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  const exchange = brandId<PublicKey>(key)
  const done = await owner.client.venues.writeOff({ venueId, exchange, claims: options.claims === true })
  if (options.json === true) printJson(done)
  else
    printLine(
      `Written off: ${done.amountNano} nano-units of ${done.jobs} jobs, and ${done.claims} claims. It stands as an expense, and comes back from there if the exchange releases it after all.`,
    )
}

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
    .addCommand(
      new Command('write-off')
        .description('give up, visibly, money that an exchange holds and that can never come')
        .exitOverride()
        .argument('<key>', 'the key of that exchange; `stoker venue keys` names who holds what')
        .option(...DATA_OPTION)
        .option('--venue <id>', 'which one, where there are several')
        .option('--claims', 'also what was claimed and never answered')
        .option('--json', 'print one line')
        .action(writeOff),
    )
}
