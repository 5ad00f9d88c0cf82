/** Disks and the files on them. Reason code: error code (null: never thrown), then the names of its params. */
export const diskFailures = {
  'disk.full': ['DISK_FULL', 'path'],
  'disk.readOnly': ['DISK_READONLY', 'path', 'error'],
  'disk.cannotOpen': ['DISK_FAILED', 'path', 'error'],
  'disk.failed': ['DISK_FAILED', 'path', 'error'],
  'disk.gone': ['DISK_FAILED', 'path'],
  'disk.vanished': ['DISK_FAILED', 'path'],
  'disk.unspoken': ['DISK_FAILED', 'path'],
  'db.readNeedsWrite': ['DISK_READONLY', 'path'],
  'db.damaged': ['DB_CORRUPT', 'path', 'problem', 'advice'],
  'db.emptyFile': ['DB_CORRUPT', 'path', 'advice'],
  'db.checkBusy': ['UNAVAILABLE', 'path'],
  'db.adviceCopy': [null, 'copy', 'path'],
  'db.adviceNoCopy': [null, 'path'],
  'lock.damaged': ['DB_CORRUPT', 'path'],
  'file.pathTooLong': ['BAD_REQUEST', 'dir', 'bytes', 'max'],
} as const
