/** Reasons that are told and never thrown. Reason code: null, then the names of its params. */
export const sellerReasons = {
  /** Somebody else's words, shown as they are. */
  text: [null, 'text'],
  'failure.unknown': [null],
} as const
