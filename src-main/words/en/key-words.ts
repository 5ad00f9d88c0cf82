/** English: the seller's key, and what is asked at the terminal. */
import type { keyFailures } from '#contract/reasons/key-failures.ts'

export const keyWords: Record<keyof typeof keyFailures, string> = {
  'key.missing':
    '{path} is missing, and the history in this folder belongs to the key {key}; no new key was made. Put the file back, or import an export of it (stoker key import FILE{atData}), or put a copy back (stoker restore FOLDER{atData}); stoker key new{atData} makes another key and says first what that costs',
  'key.none':
    'there is no key at {path}: a folder without a history makes one at its first start; where there is a history, put the file back or import an export of it (stoker key import FILE{atData})',
  'key.foreignHere':
    '{path} holds the key {found}, and the history in this folder belongs to {key}: nothing was started. Put the right file back (stoker key import FILE{atData}, or stoker restore FOLDER{atData}); stoker key new{atData} makes a new key and says first what that costs',
  'key.foreign':
    'that is the key {found}, and the history in this folder belongs to {key}; nothing was changed. Import it into the folder it belongs to, or into a new one',
  'key.wrongPassphrase': 'the passphrase does not open {path}; nothing was changed. The file is whole: try again',
  'key.cutOff': '{path} is cut off or damaged; no passphrase opens it. Use another copy of it',
  'key.notSealed': '{path} is no exported key; name the file that stoker key export wrote',
  'key.fileExists': '{path} exists already and is left as it is; name another file',
  'key.notWritten': 'the key was not written to {path} ({error})',
  'key.noPassphrase':
    'nobody can be asked for the passphrase here; give --passphrase-file FILE, or --passphrase-fd 0 and write it to standard input',
  'key.passphraseShort': 'a passphrase has at least {least} characters; four words are easier to keep than eight signs',
  'key.passphraseLong': 'a passphrase has at most {most} characters',
  'key.passphrasesDiffer': 'the two passphrases are not the same; nothing was written',
  'key.passphraseUnreadable': 'cannot read the passphrase from {path} ({error})',
  'ask.needsYes': 'nobody can be asked here; read what stands above, and give --yes if you want it',
  'ask.cancelled': 'called off; nothing was changed',
}
