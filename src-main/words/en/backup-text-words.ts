/** English: the backup page. */
import type { backupTexts } from '../texts/backup-texts.ts'

export const backupTextWords: Record<keyof typeof backupTexts, string> = {
  'backup.title': 'Backup',
  'backup.reading': 'Reading which copies there are.',
  'backup.unreadable': 'Which copies there are could not be read.',
  'backup.running': 'A copy is being made: {file}.',
  'backup.runningPart': 'A copy is being made: {file}, {share}.',
  'backup.checking': 'A copy is being made: checking {file}.',
  'backup.beginning': 'A copy is being made.',
  'backup.lastSentence': 'The last copy was made {age}.',
  'backup.lastOff': 'The last copy was made {age}, and no more are made by themselves.',
  'backup.noneYet':
    'There is no copy of this folder yet; the first is made by itself once the rig has run for half an hour.',
  'backup.noneOff': 'There is no copy of this folder, and none is made by itself.',
  'backup.failedSentence': 'The last attempt at a copy failed.',
  'backup.sub': 'A lost disk takes the books and the key this rig sells with. A copy brings both back.',
  'backup.now': 'Back up now',
  'backup.notBegun': 'No copy was begun',
  'backup.last': 'Last copy',
  'backup.none': 'No copy yet.',
  'backup.noneWhy': 'One is made every night by itself, and one whenever you ask. Selling goes on meanwhile.',
  'backup.made': 'Made',
  'backup.size': 'Size',
  'backup.where': 'Where',
  'backup.how': 'How',
  'backup.byNight': 'by itself',
  'backup.byHand': 'by hand',
  'backup.nightly': 'Every night',
  'backup.switch': 'Make a copy every night',
  'backup.switchWhy': 'Between 3 and 5 o’clock; where the rig is off then, by day.',
  'backup.folder': 'Folder, an absolute path',
  'backup.folderOwn': 'Left empty: the folder backups of the data folder',
  'backup.keep': 'Copies kept',
  'backup.keepProblem': '1 to {most}',
  'backup.gigabytes': 'At most, GB',
  'backup.gigabytesProblem': '1 or more',
  'backup.save': 'Save',
  'backup.saved': 'The next nightly copy goes by this.',
  'backup.notSaved': 'The setting was not stored',
  'backup.kept':
    '{copies, plural, =0 {No nightly copy lies there now.} one {# nightly copy lies there now, {size}.} other {# nightly copies lie there now, {size} in all.}} The oldest goes when there are more than {keep}, or when they take more than {most}; the newest always stays.',
  'backup.sameDisk':
    'Nightly copies lie in the data folder itself. That helps against a damaged database or a mistake, not against a lost disk: name a folder on another disk.',
  'backup.holds': 'What a copy holds',
  'backup.holdsBooks': 'The books, jobs and receipts of every market, the settings, the exams and their evidence.',
  'backup.holdsKeys':
    'The keys: the one this rig sells with, those before it, and those of servers you connected. Whoever can read a copy can sell as you; its files are readable by you alone.',
  'backup.holdsExchange':
    'The practice exchange with its key, copied last: a newer exchange heals by itself, an older one cannot.',
  'backup.leftModels':
    'Not in it: uploaded model files ({files, plural, =0 {there are none now} one {# file, {size}} other {# files, {size}}}). Keep them yourself; they are known again by their hash.',
  'backup.leftRest':
    'Not in it either: the doors of this console (its token, signed-in browsers), which are made anew.',
  'backup.restore': 'Putting a copy back',
  'backup.restoreStop': 'Stop Stoker. Then, in its folder:',
  'backup.restoreRun': 'npm run -s stoker -- restore FOLDER{atData}',
  'backup.restoreDoes':
    'It checks every file against the list in the copy and every database by SQLite, before anything is touched. What is in the data folder now is kept aside there, not deleted; uploaded models stay where they are. A copy by a newer Stoker is refused.',
  'backup.restoreAfter':
    'After the next start the rig asks its exchanges for what happened since the copy, and gets what they still have. The practice exchange is in the copy itself: with --keep-exchange it stays as it is, and gives it back too. Never run two rigs from one copy: they are one seller.',
  'backup.restored': 'This folder was put back on {at} from a copy of {made}.',
  'backup.recent': 'Recent copies',
  'backup.when': 'When',
  'backup.result': 'Where, or why not',
  'backup.caption': 'Recent copies',
  'backup.open': 'Copies and how to put one back',
  'backup.failed': 'not made',
  'backup.byCommand': 'To another place:',
  'backup.commandRun': 'npm run -s stoker -- backup FOLDER{atData}',
}
