/** `stoker venue`: the keys between this rig and the exchange it sells on, and what only its owner may decide. */
import { resolve } from 'node:path'

import { Command } from 'commander'

import { inWords } from '#contract/errors.ts'
import type { PublicKey, VenueId } from '#contract/ids.ts'
import type { VenueKeys } from '#contract/venues.ts'

import { amount, many } from '../amounts.ts'
import { needOwner, type RunningOwner } from '../owner.ts'
import { DATA_OPTION, publicKey, VENUE_OPTION, YES_OPTION } from '../shared-options.ts'
import { note, printJson, printLine } from '../output.ts'
import { confirm } from '../terminal-questions.ts'

interface VenueOptions {
  data: string
  venue?: VenueId
  json?: boolean
  yes?: boolean
}

/** The named venue, or the first of the rig. */
export async function venueOf({ client }: RunningOwner, named: VenueId | undefined): Promise<VenueId> {
  return named ?? (await client.app.hello()).venues[0]!.venueId
}

/** `0.42 practice credits for 12 jobs`, of one exchange; null where it holds nothing. */
export function heldThere({ heldBy, currency }: VenueKeys, exchange: PublicKey | null): string | null {
  const held = heldBy.find((one) => one.exchange === exchange)
  return held === undefined || held.heldNano === 0
    ? null
    : `${amount(held.heldNano, currency)} for ${many(held.jobs, 'job', 'jobs')}`
}

function print(keys: VenueKeys): void {
  const { currency, pendingNano } = keys
  printLine(`Your key:          ${keys.supplier}, count of starts ${keys.starts} (a restore raises it by 1,000)`)
  printLine(`The exchange's:    ${keys.pinned ?? 'not seen yet; it is pinned at the first connection'}`)
  for (const { exchange, jobs, heldNano } of keys.heldBy)
    printLine(`Held by ${exchange}: ${amount(heldNano, currency)} for ${many(jobs, 'job', 'jobs')}`)
  if (pendingNano > 0) printLine(`Claimed and not answered: ${amount(pendingNano, currency)}`)
  if (keys.hold !== null) printLine(`Nothing is offered: ${inWords(keys.hold)}`)
}

const show = (keys: VenueKeys, { json }: VenueOptions): void => (json === true ? printJson(keys) : print(keys))

async function keys(options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  show(await owner.client.venues.keys({ venueId }), options)
}

async function trust(exchange: PublicKey, options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  const now = await owner.client.venues.keys({ venueId })
  if (now.pinned !== null && now.pinned !== exchange) {
    const held = heldThere(now, now.pinned)
    note(
      `${venueId} is the exchange with the key ${now.pinned} now. From then on it is the one with the key ${exchange}, and nothing is sold to the other.`,
    )
    note(
      held === null
        ? 'The one before holds nothing of yours.'
        : `The one before holds ${held}: that comes only if it is back and trusted again.`,
    )
    if (!(await confirm('Trust the other key?', options.yes))) return
  }
  show(await owner.client.venues.trust({ venueId, exchange }), options)
}

async function takeOver(options: VenueOptions): Promise<void> {
  const owner = await needOwner(resolve(options.data))
  const venueId = await venueOf(owner, options.venue)
  const { supplier, starts } = await owner.client.venues.keys({ venueId })
  note(
    `This rig takes the key ${supplier} for itself on ${venueId} (its count of starts here: ${starts}). What that costs:`,
  )
  note(
    '  another rig with this key is put off at once, with the jobs it is answering, and does not come back by itself',
  )
  note(
    '  if this folder is the older copy, the newer one has receipts that are not here: the exchange gives back what it still has, and what else was earned there is not in these books',
  )
  note('Stop the other rig first where you can.')
  if (!(await confirm('Take the key over?', options.yes))) return
  const { asked } = await owner.client.venues.takeOver({ venueId })
  if (options.json === true) printJson({ asked })
  else printLine(asked ? 'This rig asks for the key; the other one is put off.' : 'This venue knows no such thing.')
}

export function addVenue(program: Command): void {
  const common = (command: Command): Command =>
    command
      .exitOverride()
      .option(...DATA_OPTION)
      .option(...VENUE_OPTION)
      .option('--json', 'print one line')
  program
    .command('venue')
    .description('the keys between this rig and the exchange it sells on')
    .addCommand(common(new Command('keys').description('show them, and who holds money of yours')).action(keys))
    .addCommand(
      common(
        new Command('trust')
          .description('trust another key of the exchange, after it began anew; says first what that costs')
          .argument('<key>', 'the key it shows, 43 characters', publicKey)
          .option(...YES_OPTION),
      ).action(trust),
    )
    .addCommand(
      common(
        new Command('take-over')
          .description(
            'this rig, and no other, has your key: says what that costs, then it is let in, the other put off',
          )
          .option(...YES_OPTION),
      ).action(takeOver),
    )
}
