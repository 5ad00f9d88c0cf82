export { createEvents, SUBSCRIBERS_MAX } from './events.ts'
export { createRecordedEvents, type RecordedEvents } from './recorded-events.ts'
