/** `stoker venue`: the keys between this rig and the exchange it sells on, and what only its owner may decide. */
import { resolve } from 'node:path'

import { Command } from 'commander'

import type { VenueId } from '#contract/ids.ts'
import { brandId, type PublicKey } from '#contract/ids.ts'
import { inWords } from '#contract/errors.ts'
import type { VenueKeys } from '#contract/venues.ts'

import { needOwner, type RunningOwner } from '../owner.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { printJson, printLine } from '../output.ts'

interface VenueOptions {
  data: string
  venue?: string
  json?: boolean
}

/** The named venue, or the first of the rig. */
export async function venueOf({ client }: RunningOwner, named: string | undefined): Promise<VenueId> {
  const { venues } = await client.app.hello()
  return named === undefined ? venues[0]!.venueId : brandId<VenueId>(named)
}

function print(keys: VenueKeys): void {
  printLine(`Your key:          ${keys.supplier}, count of starts ${keys.starts} (a restore raises it by 1,000)`)
  printLine(`The exchange's:    ${keys.pinned ?? 'not seen yet; it is pinned at the first connection'}`)
  for (const { exchange, jobs, heldNano } of keys.heldBy)
    printLine(`Held by ${exchange}: ${heldNano} of 10^-9 ${keys.currency} for ${jobs} jobs`)
  if (keys.pendingNano > 0) printLine(`Claimed and not answered: ${keys.pendingNano} of 10^-9 ${keys.currency}`)
  if (keys.hold !== null) printLine(`Nothing is offered: ${inWords(keys.hold)}`)
}

const show = (keys: VenueKeys, { json }: VenueOptions): void => (json === true ? printJson(keys) : print(keys))

async function keys(options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  show(await owner.client.venues.keys({ venueId }), options)
}

async function trust(key: string, options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  show(await owner.client.venues.trust({ venueId, exchange: brandId<PublicKey>(key) }), options)
}

async function takeOver(options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  const { asked } = await owner.client.venues.takeOver({ venueId })
  if (options.json === true) printJson({ asked })
  else printLine(asked ? 'This rig asks for the key; the other one is put off.' : 'This venue knows no such thing.')
}

export function addVenue(program: Command): void {
  const common = (command: Command): Command =>
    command
      .exitOverride()
      .option(...DATA_OPTION)
      .option('--venue <id>', 'which one, where there are several')
      .option('--json', 'print one line')
  program
    .command('venue')
    .description('the keys between this rig and the exchange it sells on')
    .addCommand(common(new Command('keys').description('show them, and who holds money of yours')).action(keys))
    .addCommand(
      common(
        new Command('trust')
          .description('trust another key of the exchange, after it began anew')
          .argument('<key>', 'the key it shows, 43 characters'),
      ).action(trust),
    )
    .addCommand(
      common(
        new Command('take-over').description('this rig, and no other, has your key: it is let in, the other put off'),
      ).action(takeOver),
    )
}
