/**
 * The one door through which features reach the core: connection, queries, live values, and acts shared by several
 * screens.
 */
export { useConnection, useCore, useLive } from './connection/core-provider.tsx'
export { type ExamWithItems, useExam } from './connection/exam-progress.ts'
export { useListingSwitch } from './connection/pause-listings.ts'
export { useExchangeSeen, useStaleness } from './connection/staleness.ts'
export { HandBack } from './forms/hand-back.tsx'
export { AskForm } from './forms/ask-form.tsx'
export { PowerFields } from './forms/power-fields.tsx'
