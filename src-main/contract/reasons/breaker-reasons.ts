/** Why Stoker itself stopped selling, and what its self-check found. Reason code: error code (null: never thrown), then the names of its params. */
export const breakerReasons = {
  'breaker.ownFaults': [null, 'model', 'faults', 'code'],
  'breaker.silentEngine': [null, 'model', 'seconds'],
  'breaker.memorySpill': [null, 'model', 'mib'],
  'breaker.fileChanged': [null, 'path'],
  'breaker.fileMissing': [null, 'path'],
  'breaker.booksNotWritable': [null, 'path', 'problem'],
  'breaker.folderGone': [null, 'path'],
  'breaker.stillSpilled': [null, 'mib'],
  'breaker.notMeasured': [null],
  'breaker.notLoaded': [null],
  'breaker.nothingGenerated': [null],
  'breaker.noAnswer': [null, 'seconds'],
  'breaker.checkFailed': [null, 'code'],
  'breaker.stillSo': ['CONFLICT', 'reason'],
  'breaker.notStopped': ['CONFLICT', 'instrument'],
} as const
