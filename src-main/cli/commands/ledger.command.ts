/** `stoker ledger check`: do the books of both sides hold, and agree? */
import { resolve } from 'node:path'

import { Command } from 'commander'

import type { PublicKey, VenueId } from '#contract/ids.ts'
import type { WorkSlice } from '#lib/sliced.ts'

import { amount, many } from '../amounts.ts'
import { auditLines } from '../audit/audit-lines.ts'
import { needOwner } from '../owner.ts'
import { DATA_OPTION, publicKey, VENUE_OPTION, YES_OPTION } from '../shared-options.ts'
import { confirm } from '../terminal-questions.ts'
import { note, printJson, printLine } from '../output.ts'
import { heldThere, venueOf } from './venue.command.ts'

/** So often at the most, and at least while something goes on. */
const PROGRESS_EVERY_MS = 1_900

/** Written over where somebody looks on, lines elsewhere. */
const showProgress = (): ((slice: WorkSlice) => void) => {
  let saidAt = performance.now()
  return ({ part, done, of }) => {
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) return
    saidAt = performance.now()
    const how = of === 0 ? `${done} s` : `${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[KChecking ${part}: ${how}`)
    else note(`Checking ${part}: ${how}`)
  }
}
const clearProgress = (): void => void (process.stderr.isTTY && process.stderr.write('\r\u001b[K'))

interface WriteOffOptions {
  data: string
  venue?: VenueId
  claims?: boolean
  json?: boolean
  yes?: boolean
}

async function writeOff(exchange: PublicKey, options: WriteOffOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  const keys = await owner.client.venues.keys({ venueId })
  const held = heldThere(keys, exchange)
  const claimed = options.claims === true && keys.pendingNano > 0 ? amount(keys.pendingNano, keys.currency) : null
  if (held !== null) note(`Given up: ${held}, held by ${exchange}.`)
  if (claimed !== null) note(`Given up: what was claimed there and not answered (${claimed} on ${venueId} in all).`)
  if ((held ?? claimed) !== null && !(await confirm('Write it off?', options.yes))) return
  const done = await owner.client.venues.writeOff({ venueId, exchange, claims: options.claims === true })
  if (options.json === true) printJson(done)
  else
    printLine(
      `Written off: ${amount(done.amountNano, keys.currency)} of ${many(done.jobs, 'job', 'jobs')}, and ${many(done.claims, 'claim', 'claims')}. It stands as an expense, and comes back from there if the exchange releases it after all.`,
    )
}

export function addLedger(program: Command): void {
  program
    .command('ledger')
    .description('the books')
    .addCommand(
      new Command('check')
        .description(
          'check the pages of every file, re-sum the sides that are here, verify every receipt, compare the exchange with us (exit code 0 only where all of it was compared and holds)',
        )
        .exitOverride()
        .option(...DATA_OPTION)
        .option('--json', 'print one line')
        .action(async (options: { data: string; json?: boolean }) => {
          const { auditFolder, exitOfAudit } = await import('../audit/audit-folder.ts')
          const result = await auditFolder(resolve(options.data), { onSlice: showProgress() })
          clearProgress()
          if (options.json === true) printJson(result)
          else for (const line of auditLines(result)) printLine(line)
          process.exitCode = exitOfAudit(result)
        }),
    )
    .addCommand(
      new Command('write-off')
        .description('give up, visibly, money that an exchange holds and that can never come')
        .exitOverride()
        .argument('<key>', 'the key of that exchange; `stoker venue keys` names who holds what', publicKey)
        .option(...DATA_OPTION)
        .option(...VENUE_OPTION)
        .option('--claims', 'also what was claimed and never answered')
        .option(...YES_OPTION)
        .option('--json', 'print one line')
        .action(writeOff),
    )
}
