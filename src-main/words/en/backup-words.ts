/** English: copies of the data folder. */
import type { backupFailures } from '#contract/reasons/backup-failures.ts'

export const backupWords: Record<keyof typeof backupFailures, string> = {
  'backup.running': 'a copy is being made already; wait for it to end',
  'backup.intoItself':
    '{path} lies in the data folder {dataDir} itself: a copy there is lost with what it is a copy of. Name a folder elsewhere, best on another disk',
  'backup.nothing': 'there is nothing to copy in {dataDir}; name a folder in which Stoker has run with --data',
  'backup.notWritable': 'cannot write a copy to {path} ({error}); name another folder',
  'backup.diskFull':
    'there is no room for a copy in {path}: it needs {neededMib, number} MiB and {freeMib, number} MiB are free. Free some disk, or name a folder on another one; no half copy was left',
  'backup.tooLarge':
    'one copy takes {neededMib, number} MiB and the automatic copies together may take {maxMib, number} MiB, so none is made; raise the bound, or choose a folder by hand',
  'backup.damaged':
    'the copy of {file} does not pass SQLite’s check ({problem}), so it was thrown away. The database itself is probably damaged: keep the copies you have, and run npm run -s stoker -- ledger check{atData}',
  'backup.readFailed': '{file} could not be copied ({error}); the copies you have are left as they are',
  'backup.interrupted': 'Stoker ended before this copy was whole; nothing of it was kept',
  'backup.relative': '{path} is no absolute path; name the folder from the root on',
  'backup.notMade': 'No nightly copy was made',
  'restore.none': 'there is no copy in {path}; name a folder that stoker backup wrote, or the one that holds them',
  'restore.manifest': 'the list of files in {path} cannot be read, so this is no whole copy; use another one',
  'restore.newerFormat':
    '{path} was written by a newer Stoker (its format is {version}); update this one first. Nothing was changed',
  'restore.newer':
    '{file} in this copy was written by a newer Stoker, {app} (its format is {version}, this one knows {newest}); update this one first. Nothing was changed',
  'restore.changed':
    '{file} in this copy is not what was copied: it was changed or is damaged. Nothing was changed; use another copy',
  'restore.fileMissing': '{file} is missing in this copy. Nothing was changed; use another copy',
  'restore.damaged':
    '{file} in this copy does not pass SQLite’s check ({problem}). Nothing was changed; use another copy',
  'restore.diskFull':
    'there is no room to restore into {path}: it needs {neededMib, number} MiB and {freeMib, number} MiB are free; what is there now is kept beside it. Free some disk; nothing was changed',
  'restore.notWritable': 'cannot restore into {path} ({error}); nothing was changed',
  'restore.itself': '{path} is the data folder itself and no copy of it; name the copy',
  'restore.unfinished':
    'a restore into {dataDir} was interrupted at its last step; start Stoker once, which finishes it, and try again',
}
