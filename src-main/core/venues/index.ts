/** The venues of this rig: what the core speaks to a market with. */
export type { Lease, LeaseSource } from './lease.ts'
export { tell } from './tell.ts'
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
