/** English: disks and the files on them. */
import type { diskFailures } from '#contract/reasons/disk-failures.ts'

export const diskWords: Record<keyof typeof diskFailures, string> = {
  'disk.full': 'the disk that holds {path} is full: free some space on it',
  'disk.readOnly':
    '{path} cannot be written ({error}): make it, its folder and its disk writable for the user who runs Stoker',
  'disk.cannotOpen': '{path} cannot be opened ({error}): look whether its disk is there and who may read it',
  'disk.failed': 'reading or writing {path} failed ({error}): the disk may be failing, or was taken away',
  'disk.gone':
    '{path} is gone: its folder was removed, or its disk was taken away, while Stoker ran; stop Stoker, bring it back, and start again',
  'disk.vanished':
    'a file of {path} was cut short or its disk was taken away while Stoker ran, so the system ended it (SIGBUS); look at that disk before you start again',
  'disk.unspoken':
    'the system ended Stoker before it could say why: the disk of {path} was taken away or a file of it was cut short (SIGBUS), no memory was left, or somebody killed it; look at that disk before you start again',
  'db.readNeedsWrite':
    '{path} has an unfinished log beside it and its folder cannot be written, so it cannot be read as it is: make the folder writable, or copy it elsewhere and read the copy',
  'db.damaged': '{path} is damaged ({problem}); {advice}',
  'db.emptyFile': '{path} is empty, which Stoker never leaves it; {advice}',
  'db.checkBusy': '{path} is being checked already; wait until that is done',
  'db.adviceCopy': 'stop Stoker and put the copy {copy} in the place of {path}',
  'db.adviceNoCopy':
    'Stoker made no copy of {path}: stop it, and put a copy of your own there, or move the file away to start anew',
  'lock.damaged': '{path} is not a lock file of Stoker; nothing is kept in it, so delete it and start again',
  'file.pathTooLong':
    'the path of the data folder {dir} has {bytes} bytes, and its files cannot be opened beyond {max}; choose a shorter one with --data, or STOKER_DATA for the window',
}
