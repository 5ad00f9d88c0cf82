/** Instruments, the book, and my ask. */
import { z } from 'zod'

import { ENGINE_CODES, EXCHANGE_CODES, MODEL_FILE_CODES } from './error-codes.ts'
import { gradeSpec } from './grades.ts'
import {
  currency,
  deploymentId,
  epochMs,
  instrument,
  nanoSigned,
  ofVenue,
  prices,
  realm,
  reason,
  venueId,
} from './primitives.ts'
import { method } from './scope.ts'

export const bookView = z.object({
  venueId,
  instrument,
  at: epochMs,
  rows: z.array(z.object({ ask: prices, suppliers: z.number().int(), freeSlots: z.number().int(), mine: z.boolean() })),
  jobsLastHour: z.number().int(),
  waiting: z.number().int(),
})
export type BookView = z.infer<typeof bookView>
export const listing = z.object({
  venueId,
  instrument,
  deploymentId,
  ask: prices,
  slots: z.number().int(),
  state: z.enum(['listed', 'paused', 'waiting', 'refused']),
  /** Why it is in this state. */ reason,
  since: epochMs,
  /**
   * Slots that the deployment has; `slots` is what is offered: so many as the machine, measured, serves at the grade's
   * speed.
   */
  slotsMax: z.number().int(),
  /** Why fewer than all are offered; null when all are. */ slotsWhy: reason.nullable(),
  /** Why Stoker itself sells nothing of it, until it can again or the owner lets it (`relist`); null when it may. */
  stopped: reason.nullable(),
  /** When the last pass of its model ends, or ended; null where the venue examines nobody, or its model never passed. */
  qualifiedUntil: epochMs.nullable(),
  /**
   * Accepted jobs still being finished after the listing was paused or withdrawn, until when at most; null otherwise.
   */
  draining: z.object({ jobs: z.number().int(), until: epochMs }).nullable(),
})
export type Listing = z.infer<typeof listing>
/**
 * What an ask would bring: per million tokens, after the exchange's fee, with electricity beside it (never netted in
 * practice).
 */
export const quote = z.object({
  venueId,
  instrument,
  realm,
  currency,
  ask: prices,
  feeBps: z.number().int(),
  net: prices,
  powerNanoPerMtok: nanoSigned.nullable(),
  powerCurrency: z.string(),
  powerMethod: z.string(),
  place: z.number().int().nullable(),
  of: z.number().int().nullable(),
  warnings: z.array(reason),
})
export type Quote = z.infer<typeof quote>

/** A listing needs its model in memory and the exchange's word. */
const SELL_CODES = [...EXCHANGE_CODES, 'PRICE_UNEQUAL', 'MODEL_IN_USE', ...MODEL_FILE_CODES, ...ENGINE_CODES] as const

export const marketContract = {
  instruments: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(
      z.array(
        z.object({
          venueId,
          spec: gradeSpec,
          realm,
          currency,
          feeBps: z.number().int(),
          holdMs: z.number().int(),
          qualified: z.boolean(),
          whyNot: reason.nullable(),
        }),
      ),
    ),
  /** The last book the exchange sent; at says how old it is. */
  book: method('read', ['NOT_FOUND']).input(z.object({ venueId, instrument })).output(bookView.nullable()),
  quote: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, instrument, ask: prices }))
    .output(quote),
  listings: method('read', ['NOT_FOUND']).input(ofVenue).output(z.array(listing)),
  /** Lists or re-prices. Errors: NOT_QUALIFIED, EXCHANGE_OFFLINE, EXCHANGE_REFUSED, ENGINE_NOT_LOADED. */
  list: method('money', SELL_CODES)
    .input(z.object({ venueId, instrument, deploymentId, ask: prices }))
    .output(listing),
  pause: method('operate', ['NOT_FOUND']).input(z.object({ venueId, instrument })).output(listing),
  resume: method('operate', SELL_CODES).input(z.object({ venueId, instrument })).output(listing),
  /**
   * The owner has read why Stoker stopped selling it (`stopped`): own faults and a silent engine are let go at
   * once, of the rest the self-check runs now. Error CONFLICT: nothing is stopped, or it still is so.
   */
  relist: method('operate', ['NOT_FOUND', 'CONFLICT']).input(z.object({ venueId, instrument })).output(listing),
  withdraw: method('money', ['NOT_FOUND'])
    .input(z.object({ venueId, instrument }))
    .output(z.object({ withdrawn: z.boolean() })),
}
