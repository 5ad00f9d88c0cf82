/**
 * The ledger check an owner can ask for: our side re-summed, every receipt verified, and the exchange's history
 * compared with ours.
 */
import { fail, StokerError } from '#contract/errors.ts'
import type { VenueId } from '#contract/ids.ts'
import type { ByVenue } from '#core/by-venue.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { Jobs } from '#core/jobs/index.ts'
import type { Os } from '#core/os.ts'

import { checkOwnSide, checkPages, type OwnCheck } from './ledger.store.ts'

export { recordProblemsSliced } from './records.store.ts'

export interface LedgerCheck {
  venueId: VenueId
  /** All of it was checked and compared, and nothing is wrong. */
  ok: boolean
  problems: string[]
  /** What nobody compared, and why. */
  notCompared: string[]
  accounts: number
  transfers: number
  receipts: number
  comparedWithExchange: boolean
}

/** The check that is under way: rows of the part it is at. */
export interface LedgerProgress {
  part: string
  done: number
  of: number
}

export function createLedger(context: VenueContext, jobs: Pick<Jobs, 'compare' | 'problems'>) {
  let progress: LedgerProgress | null = null

  /** Errors: UNAVAILABLE while another check is under way; the signal's reason when that ends it. */
  const check = async (signal?: AbortSignal): Promise<LedgerCheck> => {
    if (progress !== null) throw fail('ledger.checking')
    progress = { part: 'comparing with the exchange', done: 0, of: 0 }
    try {
      return await run(signal)
    } finally {
      progress = null
    }
  }

  const run = async (signal: AbortSignal | undefined): Promise<LedgerCheck> => {
    // The comparison first: what it brings in is then part of our own side.
    const notCompared: string[] = []
    const compared = await jobs.compare().catch((error: unknown) => {
      if (!(error instanceof StokerError)) throw error
      // A venue without receipts has no history to compare: its statements are part of our own side.
      if (context.venue.capabilities.receipts === 'signed')
        notCompared.push(`the exchange’s records could not be compared with ours: ${error.message}`)
      return null
    })
    const pages = await checkPages(context, {
      signal,
      onTick: (seconds) => (progress = { part: 'the pages of the file, seconds so far', done: seconds, of: 0 }),
    })
    const own = await ownSide(signal, pages.length > 0)
    // What to do about the exchange's records stands last.
    const problems = [...pages, ...own.problems, ...(compared?.problems ?? []), ...jobs.problems()]
    return {
      ...own,
      venueId: context.venueId,
      ok: problems.length === 0 && notCompared.length === 0,
      problems: [...new Set(problems)],
      notCompared,
      comparedWithExchange: compared !== null,
    }
  }

  /** Books on damaged pages are read as far as they go. */
  const ownSide = async (signal: AbortSignal | undefined, isDamaged: boolean): Promise<OwnCheck> => {
    try {
      return await checkOwnSide(context, { signal, onSlice: ({ part, done, of }) => (progress = { part, done, of }) })
    } catch (error) {
      if (!isDamaged || signal?.aborted === true) throw error
      const why = error instanceof Error ? error.message : String(error)
      return { problems: [`the books could not be read to their end: ${why}`], accounts: 0, transfers: 0, receipts: 0 }
    }
  }
  return { check, progress: () => progress }
}

export const ledgerApi = (os: Os, of: ByVenue<ReturnType<typeof createLedger>>) => ({
  ledgerCheck: os.app.ledgerCheck.handler(({ input, signal }) => of(input.venueId).check(signal)),
  ledgerProgress: os.app.ledgerProgress.handler(({ input }) => of(input.venueId).progress()),
})
