/**
 * How processes end. Catches: a code that stands in no table, two meanings of one code, a reason of a child that is
 * started again although it cannot help, a child's reason that its parent does not understand.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { fail } from '#contract/errors.ts'
import { EXITS, exitOf, readStatedEnd, startAgain, statedEnd } from '#lib/exit-codes.ts'
import { endInWords } from '#lib/end-in-words.ts'

const PAGE = readFileSync(resolve(import.meta.dirname, '../../docs/exit-codes.md'), 'utf8')

describe('the exit codes', () => {
  it('stand in the table of the docs, each once', () => {
    for (const { exit, means, again } of Object.values(EXITS))
      expect(PAGE).toContain(`| ${exit} | ${means} | ${again} |`)
    const codes = Object.values(EXITS).map(({ exit }) => exit)
    expect(new Set(codes).size).toBe(codes.length)
    expect(PAGE.match(/^\| \d+ \|/gm)).toHaveLength(codes.length)
  })

  it.each([
    [fail('disk.full', { path: '/d' }), 4, 'later'],
    [fail('db.newer', { path: '/d', version: 90, newest: 80 }), 6, 'no'],
    [fail('db.locked', { folder: '/d', who: 'another' }), 3, 'yes'],
    [fail('lock.damaged', { path: '/d' }), 5, 'no'],
    [new Error('a fault'), 1, 'yes'],
  ])('%s ends with %i', (error, exit, again) => {
    expect([exitOf(error), startAgain(exitOf(error))]).toEqual([exit, again])
  })

  it('start a child again that was killed, and none that ended well', () => {
    expect([startAgain(null), startAgain(139), startAgain(0)]).toEqual(['yes', 'yes', 'yes'])
  })
})

describe('a reason that a child states', () => {
  it('reaches its parent whole; anything else is no reason', () => {
    const error = fail('db.newer', { path: '/d', version: 90, newest: 80 })
    const stated = readStatedEnd(structuredClone(statedEnd(error)))
    expect(stated?.error).toMatchObject({ code: 'DB_FROM_FUTURE', reason: error.reason, message: error.message })
    expect(statedEnd(new Error('a fault'))).toBeNull()
    for (const other of [
      null,
      7,
      {},
      { t: 'failed' },
      { t: 'failed', error: { code: 'X', message: '' } },
      { t: 'ready' },
    ])
      expect(readStatedEnd(other)).toBeNull()
  })

  it.each([
    [Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', path: '/d/x' }), 4, /\/d\/x.*full/],
    [Object.assign(new Error('EROFS'), { code: 'EROFS', path: '/d/x' }), 4, /\/d\/x cannot be written \(EROFS\)/],
  ])('is one sentence without a stack: %s', (error, code, words) => {
    const said: string[] = []
    const told: unknown[] = []
    let ended = -1
    endInWords(error, {
      say: (line) => said.push(line),
      tell: (stated, then) => {
        told.push(stated)
        then()
      },
      exit: (exit) => (ended = exit),
    })
    expect(said).toEqual([expect.stringMatching(words)])
    expect(said.join()).not.toMatch(/\n\s+at /)
    expect([ended, told.length]).toEqual([code, 1])
  })
})
