/** `stoker status`: what the rig sells, and why not; `stoker relist`: the owner's word after reading why. */
import { resolve } from 'node:path'

import type { Command } from 'commander'

import type { Home, Live, RigEventView, Stoppage } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import { SECOND_MS } from '#contract/time.ts'

import { needOwner, type RunningOwner } from '../owner.ts'
import { printJson, printLine } from '../output.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { say } from '../terminal-words.ts'

interface Options {
  data: string
  json?: boolean
}
interface VenueStatus {
  home: Pick<Home, 'venueId' | 'sentence' | 'next' | 'ladder'>
  listings: Listing[]
}
interface Status {
  engine: Live['engine']
  venues: VenueStatus[]
  stopped: Stoppage[]
  recorded: RigEventView[]
}

/** Events beside the present ones that are printed; `--json` has all that the console keeps at hand. */
const EVENTS_SHOWN = 10

async function engineNow(client: RunningOwner['client']): Promise<Live['engine']> {
  for await (const live of await client.app.live()) return live.engine
  throw fail('owner.silent')
}

async function statusOf({ client }: RunningOwner): Promise<Status> {
  const { venues } = await client.app.hello()
  const { open, recorded } = await client.app.stoppages()
  return {
    engine: await engineNow(client),
    venues: await Promise.all(
      venues.map(async ({ venueId }) => {
        const { sentence, next, ladder } = await client.app.home({ venueId })
        return { home: { venueId, sentence, next, ladder }, listings: await client.market.listings({ venueId }) }
      }),
    ),
    stopped: open,
    recorded,
  }
}

const time = (at: number): string => new Date(at).toISOString().replace('T', ' ').slice(0, 19)

function printStatus({ engine, venues, stopped, recorded }: Status): void {
  printLine(`engine: ${engine.kind}${engine.detail === null ? '' : ` (${say(engine.detail)})`}`)
  for (const { home, listings } of venues) {
    printLine(`${home.venueId}: ${say(home.sentence)}${home.next === null ? '' : ` ${say(home.next)}.`}`)
    for (const { instrument, state, slots, slotsMax, reason } of listings)
      printLine(`  ${instrument}: ${state}, ${slots} of ${slotsMax} slots: ${say(reason)}`)
  }
  for (const { kind, since, reason, checks, found, nextCheckInMs } of stopped) {
    printLine(`stopped since ${time(since)} UTC (${kind}): ${say(reason)}`)
    const tried =
      checks === 0 ? 'not tried again yet' : `tried ${checks} times${found === null ? '' : `: ${say(found)}`}`
    printLine(`  ${tried}; again in ${Math.ceil(nextCheckInMs / SECOND_MS)} s`)
  }
  for (const { at, what, subject, reason } of recorded.slice(0, EVENTS_SHOWN))
    printLine(`${time(at)} ${what} ${subject}: ${say(reason)}`)
}

async function relist({ client }: RunningOwner, instrument: string): Promise<Listing> {
  const { venues } = await client.app.hello()
  for (const { venueId } of venues) {
    const listings = await client.market.listings({ venueId })
    if (listings.some((listing) => listing.instrument === instrument))
      return client.market.relist({ venueId, instrument: brandId<Instrument>(instrument) })
  }
  throw fail('listing.none')
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('what the rig sells now, and where it sells nothing, why')
    .option(...DATA_OPTION)
    .option('--json', 'print one line')
    .action(async (options: Options) => {
      const status = await statusOf(await needOwner(resolve(options.data)))
      if (options.json === true) printJson(status)
      else printStatus(status)
    })
  program
    .command('relist <instrument>')
    .description('sell again what Stoker stopped selling by itself, after reading why (stoker status)')
    .option(...DATA_OPTION)
    .option('--json', 'print one line')
    .action(async (instrument: string, options: Options) => {
      const listing = await relist(await needOwner(resolve(options.data)), instrument)
      if (options.json === true) printJson(listing)
      else printLine(`${listing.instrument}: ${listing.state}: ${say(listing.reason)}`)
    })
}
