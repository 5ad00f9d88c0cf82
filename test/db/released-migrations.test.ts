/**
 * A released migration never changes: a database that has run it is not touched again, so an edit would leave old data
 * folders with another schema than new ones.
 */
import { createHash } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import type { Migration } from '#db/db-types.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'

const MIGRATIONS: Readonly<Record<string, readonly Migration[]>> = {
  'rig.db': rigMigrations,
  'practice.db': realmMigrations,
  'exchange.db': exchangeMigrations,
}

/** SHA-256 of the statements each one executes, comments and blanks included. Lines are added here, never changed. */
const RELEASED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'rig.db': {
    '0010 owner': '5abc8954376cb4cb7acbebe893e946d8de209d10e45dd3040eab520f4cb42f78',
    '0020 models': '59878823143d7b7477871399b979e304e89c6a38b50b924160b8fa0a0a6bfdf2',
    '0030 power': '4d2897cf2cc0e612df1aeadcbaf3a0a6184a85679fe3d0de3684e8c5d319e766',
    '0040 several deployments': 'a5bba65c1ede325140f4de3ecaf64d0458152070d2580610d9df7be87df78d81',
    '0050 calibrations': '2a5d89aaea7237149dee37a0d4f8b4c036c2b602ab73b3e06d9a44c67f0fb0d5',
    '0060 own use': '3266382c6e12027549a5cc22859ab370dbe0dc9ce7b03c0d3211915afbfc0637',
    '0070 one process per GPU': '31ab2e47c9ee6794b31e37c7876cb6e8ad3418864c8f1f3fad42612c218d5233',
    '0080 given back': 'fdde1ffeb6bdc2b4a87e2ec0bac379d584f63244354209c71d8a80f94c087685',
    '0090 venues': '5c280863d1915584d713b4647ab24fc8544d5bfd07270e6480cd619e43978233',
    '0100 power quarters': '3e2e63fd76a37030b8cd5a4d1a9de25b84307b0472678267876a3c01d99e50db',
    '0110 epochs': 'c5c151f3c4bd751ef10d491a84e784cc5de444a2d9801ce3977b8e64c6c78e46',
    '0120 keys and copies': '464c9c8c5b8301268fdd1a14e5a7ed8908a70643bc7321ba8aaae361072c826c',
    '0130 model files': '36c1fe9db924815b85436c1ffaf8bd7669b74e291db955d360c606293bdc4180',
    '0150 rig events': 'd62daaa16a3e2b8c50d5c98096ee46388e31c49340a8fbd496c40d875b526f50',
  },
  'practice.db': {
    '0010 books': '53cd94d4a564409b5c4a59e6fb5951516b0f059ab6bda3930ef660216febeac2',
    '0020 outbox': 'e028c423953d097d94ebbad713727af92969abf0ca9cfd214468f454465682dd',
    '0030 jobs': '7da31c004a104677ddec1a97f2a153dea46096b53a3bab0b29f36b1799049ae3',
    '0040 trading': 'c8a2def3f6c9ccb6dd4cc1effcde45f90b9dd550ec33660207f0712b9bdcd143',
    '0050 rollups': '52395cb49c2393f3aa2b6cc978be999d01d1af94563945fb8d970e4eddcebc1f',
    '0060 paused why': 'f4ebdf0d343a1cca3eee79a3a6c87a757f94bb9a8edb8eb0397aefac4e214b77',
    '0070 disputes': '47fd524547adaff89a775b29055cb1e79a9ad17670ffe2867ba14fa91db86690',
    '0080 units': '8d898b476aa7b0b7b682777e5958c2af8156b234f9d06e6cf09eaa235f27b6cc',
    '0090 three prices': 'c070e057dc57e13cd77100d25281e1028138d97d93b52c6cb4316d775c72fd77',
    '0100 quarter hours': 'bfb7eddcb289a91c56240a4660d30b75315b999eba8a0ebfd047a9a2d42b515b',
    '0110 flat queries': 'bf9c4e8093b6c15078d7ef44bd4e2fc7a6e41c5f5c25b78ed6eaa4e0c96ec647',
    '0120 records': 'bc5ae3c54a483aadd218cb2c9222b00d7cb5e7a72924624f16248969ccb082c9',
    '0130 statements': '291b4a8e093a8e5792804de273e229ed78c2df437ada941fd20e676177ff8310',
    '0140 written off': '3553482c4d05b8a41c94dcd991d37f124ea7e1960e785e5991c8572c111d9915',
    '0170 chains by key': '1cfeba3e3e40e9fba76258a76e5b5f2957e4e8b5f52d71fd875b01a18dc33a35',
    '0180 breaker checks': '40bf5609b1f5332365d391a8e3b09cdf124e1485d3ea7fa7c50590422e61cc4d',
    '0190 fewer pages': '40e5fa2a56ef3b3ae107ad97100aded40a657130b974d6304cd915f9e1f7364a',
    '0200 exam voided': 'e8cf7abbb069d176f34ac2e7945edd536fb7b72d9208ca70c599ae8d8f797a49',
  },
  'exchange.db': {
    '0010 books': '53cd94d4a564409b5c4a59e6fb5951516b0f059ab6bda3930ef660216febeac2',
    '0030 exchange': '627967e136699c2e7291f5e530d745929e9acb5938ebc0d2f0c08e4fa7635dfd',
    '0040 exam-sendings': '1b37bb429e6d771cc19851a052344e41854589f76f22ac1e078982a5dc8a4991',
    '0050 units': '8d898b476aa7b0b7b682777e5958c2af8156b234f9d06e6cf09eaa235f27b6cc',
    '0060 three prices': '92b491d27e732ee0fccbe213984ca909f1ff5e4e3185b205390dc170636692a3',
    '0070 flat queries': '29d28d4a9b0b45e15c70f766bd236f08522c2e9324b7e036e2665a8f1478d9c5',
    '0080 epochs': 'f88608e65a0ce1a494c07898f3896cfb1ad78e5cf4d7606049c5379f075e2aee',
    '0100 calls and refunds': '7c31ec05ed0055c849da7f851612b92221d2a58c8ba9b7e8374cb9e8da6a0504',
    '0110 sendings in time': '610d99f6be3108dd8c054df960f5fbad04eb3ad37c2499fac64f4350189bcb2d',
    '0130 fewer pages': '434f4a11171ad2dfaf4977c57ce52d6defa22c2ba1a571ed0b7265474770363e',
  },
}

/** What `up` hands to the database, in order. */
function statementsOf({ up }: Migration): string[] {
  const statements: string[] = []
  up((sql) => void statements.push(sql))
  return statements
}

const hashOf = (migration: Migration): string =>
  createHash('sha256').update(statementsOf(migration).join('\n;;\n')).digest('hex')

const nameOf = ({ id, name }: Migration): string => `${String(id).padStart(4, '0')} ${name}`

/** What to do about a migration that is not as released; null when it is. */
function problemOf(file: string, migration: Migration): string | null {
  const name = nameOf(migration)
  const released = RELEASED[file]?.[name]
  if (statementsOf(migration).join('').trim() === '')
    return `${name} of ${file} executes nothing, so it cannot be pinned`
  if (released === undefined)
    return `${name} of ${file} is new: add the line '${name}': '${hashOf(migration)}' to RELEASED in this file`
  return released === hashOf(migration)
    ? null
    : `${name} of ${file} was released and stays byte for byte: undo the change and add a new migration`
}

/** The same for numbers, names and places of all that were released. */
function orderProblem(file: string, migrations: readonly Migration[]): string | null {
  const released = Object.keys(RELEASED[file] ?? {})
  const wrong = released.find((name, at) => migrations[at] === undefined || nameOf(migrations[at]) !== name)
  return wrong === undefined
    ? null
    : `${wrong} of ${file} was released and is missing or moved: put it back, and add a new migration after the last`
}

const named = (migrations: readonly Migration[]) => migrations.map((one) => [nameOf(one), one] as const)

describe.each(Object.entries(MIGRATIONS))('%s', (file, migrations) => {
  it.each(named(migrations))('%s is as released', (_name, migration) => {
    expect(problemOf(file, migration)).toBeNull()
  })

  it('none that was released is missing, renamed or out of its order', () => {
    expect(orderProblem(file, migrations)).toBeNull()
  })
})

describe('a change of what was released', () => {
  const [first, second, ...rest] = rigMigrations as [Migration, Migration, ...Migration[]]

  it('of one byte of its SQL says that a new migration is needed', () => {
    const changed: Migration = { ...first, up: (exec) => first.up((sql) => exec(`${sql} `)) }
    expect(problemOf('rig.db', changed)).toMatch(/0010 owner of rig.db was released .* add a new migration/)
  })

  it('that takes its statements away, or is a new one, says what to do', () => {
    expect(problemOf('rig.db', { ...first, up: () => undefined })).toMatch(/executes nothing/)
    expect(problemOf('rig.db', { ...first, id: 990, name: 'next' })).toMatch(/0990 next of rig.db is new: add the line/)
  })

  it('in order, name or number is seen', () => {
    expect(orderProblem('rig.db', [second, first, ...rest])).toMatch(/0010 owner/)
    expect(orderProblem('rig.db', [first, { ...second, name: 'other' }, ...rest])).toMatch(/0020 models/)
    expect(orderProblem('rig.db', [first, second, ...rest].slice(0, -1))).toContain(rigMigrations.at(-1)?.name)
    expect(orderProblem('rig.db', [first, second, ...rest, { ...first, id: 990, name: 'next' }])).toBeNull()
  })
})
