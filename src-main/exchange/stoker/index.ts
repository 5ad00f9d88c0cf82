export { createStokerExchange, type StokerExchangeOptions } from './stoker.ts'
