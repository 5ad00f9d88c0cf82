/** English: books, databases and files. */
import type { bookFailures } from '#contract/reasons/book-failures.ts'

export const bookWords: Record<keyof typeof bookFailures, string> = {
  'outbox.tooLarge': 'an outbox payload has at most {max} characters, not {length}',
  'outbox.conflict': 'outbox {kind} {entry} exists already with another payload',
  'outbox.full': '{max} messages wait for the exchange; connect to it before taking more jobs',
  'ledger.accountConflict': 'account {account} exists already with another kind, unit or limit',
  'ledger.pendingUnknown': 'there is no pending transfer {transfer}',
  'ledger.pendingClosed': 'pending transfer {transfer} was resolved already, by {by}',
  'ledger.amountRange': 'a transfer must move between 1 and 2^51 of its unit’s smallest parts, not {amount}',
  'ledger.balanceRange':
    'the balance of account {account} would pass 2^51 of its smallest parts; move some of it away first',
  'ledger.pendingRange':
    'what is pending of account {account} would pass 2^51 of its smallest parts; resolve some of it first',
  'ledger.turnoverRange':
    'the turnover of account {account} would pass 2^62 of its smallest parts; close it and open a new one',
  'ledger.unitConflict':
    '{unit} stands for {kind} of scale {scale} in these books, not for {otherKind} of scale {otherScale}',
  'ledger.idLength': 'a ledger id has 1 to {max} characters, not {length}',
  'ledger.accountUnknown': 'there is no account {account}',
  'ledger.units': 'transfer {transfer} cannot move between {from} ({debit}) and {to} ({credit})',
  'ledger.sameAccount': 'transfer {transfer} needs two different accounts, both are {account}',
  'ledger.belowZero': 'transfer {transfer} would bring {account} below zero',
  'ledger.aboveReserve': 'transfer {transfer} posts {amount} where {reserved} were reserved',
  'ledger.otherContent': 'transfer {transfer} exists already with another {field}',
  'db.rowDamaged':
    '{table}.{column} holds {value} where {expected} belongs: this row was damaged, or not written by Stoker; `npm run -s stoker -- ledger check{atData}` says what else is',
  'db.missing': 'there is no database at {path}; name a folder Stoker has run in',
  'db.unreadable': '{path} is not a readable database; {advice}',
  'db.locked': '{folder} is in use by {who}; use that one, stop it first, or name another folder with --data',
  'db.migrating': '{path} is being migrated by another process; try again',
  'db.notMigrated': '{path} was not brought up to date: {problem}',
  'db.older': '{path} was written by an older Stoker; start this one once to bring it up to date',
  'db.newer':
    '{path} was written by a newer Stoker (its format is {version}, this one knows {newest}); update Stoker, or open another data folder',
  'db.formatUnknown': '{path} has format {version}, which no Stoker database of this kind has; is it the right file?',
  'db.otherTables':
    '{path} has format {version}, and its table {table} is not as any released Stoker made it: it is of a version between two releases, or was changed by hand. It is left as it is; open it with the Stoker that wrote it, put a copy back (stoker restore FOLDER{atData}), or take another folder (--data)',
  'file.notKey': '{path} is not an Ed25519 private key; restore it from a backup, since a new key is a new identity',
  'file.secretTooLarge': '{path} is larger than a key or token can be',
  'file.foreign':
    '{path} belongs to another user (number {owner}; this process runs as {us}); run Stoker as its owner, or name another data folder',
  'file.link':
    '{path} is a link or no file; Stoker reads keys and addresses only from files of its own: put the file itself there',
  'file.dataFolder':
    'cannot use {dir} as the data folder ({error}); choose another with --data, or STOKER_DATA for the window',
  'file.none': 'there is no such file',
  'file.denied': 'permission denied',
  'file.readFailed': 'reading failed',
  'file.folder': 'it is a folder',
  'file.notOrdinary': 'it is not an ordinary file',
  'money.threePrices':
    'this venue has one price for all tokens, and {input}, {cachedInput} and {output} are three; ask the same for input, cached input and output',
  'money.range': 'An amount here is larger than one amount may be; use a smaller price or size.',
}
