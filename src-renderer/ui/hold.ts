import { duration } from './format-time.ts'

/** How long the exchange keeps a settled sum, in milliseconds; undefined while its terms are not read. */
export const holdSentence = (holdMs: number | undefined): string =>
  `The exchange holds each sum for ${holdMs === undefined ? 'a while' : duration(holdMs)} before it releases it.`
