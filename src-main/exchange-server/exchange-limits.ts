/** Every bound and period of the exchange in one place. Milliseconds, bytes, counts. */
export const LIMITS = {
  bodyBytes: 1_048_576,
  adminBodyBytes: 65_536,
  /** A request has to be here, headers and body, within this time; checked so often. */
  requestMs: 30_000,
  requestCheckMs: 1_000,
  /** Sockets of suppliers. */
  connections: 1_024,
  /** Connections of one address, buyers' and suppliers' together; twice `connections` is the bound of all. */
  connectionsPerAddress: 256,
  handshakeMs: 10_000,
  /** Frames of one socket: a bucket of `frameBurst` that refills at `framesPerSecond`; what one takes: frame-cost.ts. */
  framesPerSecond: 2_000,
  frameBurst: 8_000,
  /** Malformed or unknown frames before a socket is closed. */
  violations: 32,
  /** One frame of a supplier. Its largest are texts of 65,536 characters, escaped. */
  supplierFrameBytes: 524_288,
  /** Frames kept until they are acknowledged: of one session, which a welcome of protocol 2 says, and of all. */
  windowBytes: 4_194_304,
  unacknowledgedBytesInAll: 25_165_824,
  /** A socket whose unsent bytes pass this is closed; its session may resume. */
  unsentBytes: 8_388_608,
  /** Frames received before a bare acknowledgement is sent. */
  ackEvery: 16,
  liveOrders: 1_024,
  waitingOrders: 256,
  waitForSlotMs: 5_000,
  attempts: 3,
  /**
   * A supplier that answered "busy" is not asked for the same order again before this long; and so many such answers an
   * order takes.
   */
  busyPauseMs: 500,
  busyAnswers: 12,
  /** After a buyer left: how long the supplier may take to send its claim. */
  cancelGraceMs: 10_000,
  /** Answer text of one job: this many bytes a token, plus a little; beyond it the supplier is at fault. */
  answerBytesPerToken: 64,
  answerBytesExtra: 1_024,
  /** A buyer that reads nothing for this long is cut off. */
  readerStallMs: 60_000,
  bookEveryMs: 1_000,
  releaseEveryMs: 1_000,
  releaseBatch: 500,
  offersPerSupplier: 64,
  examsPerSupplier: 1,
  /** Delivered marks: how late they are at most, and how many one transaction carries. */
  markLatestMs: 1_000,
  marksAtOnce: 500,
  /** Finished answers stay in memory for fetching again: so long, so many, so many bytes of text. */
  answersKeptMs: 600_000,
  answersKept: 4_096,
  answersKeptBytes: 33_554_432,
  failuresKept: 1_024,
  answersSweepMs: 15_000,
  /** Calls remembered under one key, or one body sent without a key. */
  callsAlike: 16,
  /** A repetition that says it is one and has no key is taken for a retry this long after its call ended. */
  retryWithinMs: 60_000,
  /** A call with a key goes on so long after its last reader went, for a retry to join it. */
  leaveGraceMs: 5_000,
  /** Connections that wait for the same call. */
  readersOfCall: 8,
  idempotencyKeyChars: 255,
  keyedCallsKeptMs: 86_400_000,
  keyedCallsPruneMs: 3_600_000,
  callsKeptMs: 30 * 86_400_000,
  /** How often it is looked whether the qualification under an offer ends. */
  qualificationEveryMs: 1_000,
  /** Warnings of an end that are remembered as sent; the oldest is forgotten first. */
  warningsKept: 8_192,
} as const

/** Of one address: docs/security.md, Strangers at the exchange. */
export const ADDRESS_BOUNDS = {
  sockets: 64,
  handshakes: 16,
  handshakesInAll: 64,
  helloBurst: 64,
  hellosPerSecond: 4,
} as const

export const QUALIFICATION_MS = 30 * 86_400_000
/** How long before its end a qualification is warned of, and how urgently; once each, the nearest first. */
export const ENDING_WARNINGS = [
  { withinMs: 86_400_000, level: 'act-now' },
  { withinMs: 7 * 86_400_000, level: 'act-soon' },
] as const
export const ATTEMPT_WINDOW_MS = 7 * 86_400_000
export const ATTEMPTS_MAX = 3
/** Of one supplier at one grade, whatever models it says it has: a declared hash is only a word. */
export const ATTEMPTS_OF_KEY_MAX = 6
