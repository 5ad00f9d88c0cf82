export { createEvents, SUBSCRIBERS_MAX } from './events.ts'
