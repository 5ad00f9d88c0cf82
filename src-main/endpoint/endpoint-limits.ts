/** Bounds of the endpoint. Bytes and milliseconds. */
export const LIMITS = {
  bodyBytes: 4_194_304,
  /** Longer than any key we make. */
  keyChars: 200,
  connections: 256,
  headersMs: 10_000,
  /** A whole request, body included; answers may take as long as they take. */
  requestMs: 60_000,
  keepAliveMs: 60_000,
  /** Text a client has not taken yet; beyond it the client is cut off and its job cancelled. */
  unreadBytes: 1_048_576,
  /** How often open answers are looked at. */
  watchMs: 5_000,
  /** Looks without a byte taken after which a client is cut off: 30 s. */
  stalledLooks: 6,
  /**
   * Looks without text after which a stream says that it still waits: 15 s. Common clients give up on headers after
   * minutes.
   */
  quietLooks: 3,
  /** Nesting of a JSON schema or of a tool's parameters. */
  depth: 64,
  embeddingTexts: 256,
} as const
