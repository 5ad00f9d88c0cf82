/** The one door through which features reach the core: connection, queries, live values, and acts shared by several screens. */
export { useConnection, useCore, useLive } from './data/core.tsx'
export { type ExamWithItems, useExam } from './data/exam-progress.ts'
export { useListingSwitch } from './data/listing.ts'
export { useExchangeSeen, useStaleness } from './data/staleness.ts'
export { HandBack } from './data/hand-back.tsx'
export { AskForm } from './data/ask-form.tsx'
export { PowerFields } from './data/power-fields.tsx'
