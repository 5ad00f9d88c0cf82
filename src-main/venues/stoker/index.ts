export { createStokerExchange, type StokerExchangeOptions } from './stoker-venue.ts'
