/** What the core needs beside the port (exchange.port.ts) to speak to an exchange. */
export { exchangeRefusal, refusalReason } from './exchange-refusal.ts'
export { trySend } from './try-send.ts'
