/** Bounds of the endpoint. Bytes and milliseconds. */
export const LIMITS = {
  bodyBytes: 4_194_304,
  /** Longer than any key that Stoker makes. */
  keyChars: 200,
  connections: 256,
  headersMs: 10_000,
  /** Time limit of a whole request, body included; answers have none. */
  requestMs: 60_000,
  keepAliveMs: 60_000,
  /** Text that a client has not read yet; beyond it the connection is closed and the job cancelled. */
  unreadBytes: 1_048_576,
  /** Interval at which open answers are checked. */
  watchMs: 5_000,
  /** Checks without a byte read after which the connection is closed: 30 s. */
  stalledChecks: 6,
  /**
   * Checks without text after which a stream sends a comment: 15 s. Common clients give up on a silent response after
   * minutes.
   */
  quietChecks: 3,
  /** Nesting of a JSON schema or of a tool's parameters. */
  depth: 64,
  embeddingTexts: 256,
} as const
