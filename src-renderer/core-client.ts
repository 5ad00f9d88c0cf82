/**
 * The one door through which screens and the frame around them reach the core: connection, queries, live values, and
 * the button that hands the machine back. Forms that several screens share stand in forms.ts.
 */
export { useConnection, useCore, useLive } from './connection/core-provider.tsx'
export { type ExamWithItems, useExam } from './connection/exam-progress.ts'
export { fetchAsPage, keepPageSecret } from './connection/page-secret.ts'
export { useUnit, useVenue, useVenueLive } from './connection/venue.tsx'
export { useListingSwitch } from './connection/pause-listings.ts'
export { useExchangeSeen, useStaleness } from './connection/staleness.ts'
export { HandBack } from './forms/hand-back.tsx'
