/** The venues of this rig: what the core speaks to a market with. */
export { openVenue, type VenueDriver, type VenueDrivers } from './venue-context.store.ts'
export { exchangeRefusal, refusalReason } from './exchange-refusal.ts'
export { tell } from './tell.ts'
export { STATEMENT_BYTES_MAX } from './venue-events.ts'
export type {
  ExamItemJudged,
  ExamRefused,
  ExamResult,
  ExamStarted,
  HistoryPage,
  OfferedJob,
  Statement,
  StatementLine,
  VenueEvent,
} from './venue-events.ts'
export { pinnedKeyOf, trustKey } from './venue-memory.store.ts'
export { activeVenues, insertVenue, raiseEpochs, startsOf, type VenueRow } from './venues.store.ts'
