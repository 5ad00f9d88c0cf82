/** The seller's key, and what is asked at the terminal. Reason code: error code (null: never thrown), then the names of its params. */
export const keyFailures = {
  'key.missing': ['NOT_FOUND', 'path', 'key'],
  'key.none': ['NOT_FOUND', 'path'],
  'key.foreignHere': ['CONFLICT', 'path', 'found', 'key'],
  'key.foreign': ['CONFLICT', 'found', 'key'],
  'key.wrongPassphrase': ['UNAUTHORIZED', 'path'],
  'key.cutOff': ['BAD_REQUEST', 'path'],
  'key.notSealed': ['BAD_REQUEST', 'path'],
  'key.fileExists': ['CONFLICT', 'path'],
  'key.notWritten': ['UNAVAILABLE', 'path', 'error'],
  'key.noPassphrase': ['BAD_REQUEST'],
  'key.passphraseShort': ['BAD_REQUEST', 'least'],
  'key.passphraseLong': ['BAD_REQUEST', 'most'],
  'key.passphrasesDiffer': ['BAD_REQUEST'],
  'key.passphraseUnreadable': ['BAD_REQUEST', 'path', 'error'],
  'ask.needsYes': ['BAD_REQUEST'],
  'ask.cancelled': ['CANCELLED'],
} as const
