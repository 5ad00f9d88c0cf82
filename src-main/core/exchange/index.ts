/** What the core needs beside the port (exchange.port.ts) to speak to an exchange. */
export { trySend } from './try-send.ts'
