import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { brandId, type VenueId } from '#contract/ids.ts'
import { because } from '#contract/reasons.ts'
import {
  checkBegun,
  checkEnded,
  checkPauseMs,
  CLOSED,
  dueChecks,
  letGo,
  reported,
  stoppedBy,
  tripsThrough,
  type BreakerState,
} from '#core/breaker/breaker.ts'
import type { BreakerReport, SoldThrough } from '#core/breaker/breaker.port.ts'
import { CALM_MS, FAULTS_MAX, TRIGGERS, type TriggerKind } from '#core/breaker/triggers.ts'
import { VENUE } from '#test/support/venue.ts'

const HERE: SoldThrough = { deploymentId: 'dep_1', sha256: 'a'.repeat(64), venueId: VENUE }
const OTHER: SoldThrough = { deploymentId: 'dep_2', sha256: 'b'.repeat(64), venueId: brandId<VenueId>('elsewhere') }
const fault: BreakerReport = { kind: 'own-fault', deploymentId: 'dep_1', code: 'ENGINE_CRASHED' }
const served: BreakerReport = { kind: 'served', deploymentId: 'dep_1' }
const silent: BreakerReport = { kind: 'silent-engine', deploymentId: 'dep_1', silentMs: 3_000 }
const changed: BreakerReport = { kind: 'changed-file', sha256: 'a'.repeat(64), path: '/m.gguf', found: 'changed' }
const books = (venueId: VenueId | null): BreakerReport => ({
  kind: 'books-not-writable',
  venueId,
  trouble: because('disk.readOnly', { path: '/p.db', error: 'EPERM' }),
})
const folder: BreakerReport = { kind: 'folder-gone', path: '/data' }

const after = (reports: readonly [ms: number, what: BreakerReport][], from: BreakerState = CLOSED): BreakerState =>
  reports.reduce(
    (state, [ms, what]) => reported(state, what, (id) => `model of ${id}`, { now: 1_000_000 + ms, mono: ms }),
    from,
  )
const stopped = (state: BreakerState, through = HERE): TriggerKind | null => stoppedBy(state, through)?.kind ?? null

describe('the table of triggers', () => {
  it('stops within the times that are promised', () => {
    const times = Object.fromEntries(Object.entries(TRIGGERS).map(([kind, { withinMs }]) => [kind, withinMs]))
    expect(times).toEqual({
      'own-faults': 10_000,
      'silent-engine': 5_000,
      'memory-spill': 15_000,
      'broken-engine': 5_000,
      'changed-file': 5_000,
      'books-not-writable': 10_000,
      'folder-gone': 10_000,
      'key-gone': 10_000,
    })
  })

  it('is the one that is printed in docs/stops-selling.md', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../docs/stops-selling.md'), 'utf8')
    const rows = Object.entries(TRIGGERS).map(([kind, one]) => {
      const seconds = [one.withinMs, one.firstCheckMs, one.checkMaxMs].map((ms) => `${ms / 1_000} s`)
      return `| \`${kind}\` | ${one.scope} | ${seconds[0]} | ${one.check} | ${seconds[1]} to ${seconds[2]} | ${one.byHand} |`
    })
    expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it.each(Object.keys(TRIGGERS) as TriggerKind[])('%s: pauses double from the first to the bound', (kind) => {
    const pauses = Array.from({ length: 40 }, (_, checks) => checkPauseMs(kind, checks))
    expect(pauses[0]).toBe(TRIGGERS[kind].firstCheckMs)
    expect(pauses[1]).toBe(2 * TRIGGERS[kind].firstCheckMs)
    expect(Math.max(...pauses)).toBe(TRIGGERS[kind].checkMaxMs)
  })
})

describe('own faults', () => {
  it('in a row stop the sale; a served job in between begins anew', () => {
    const two: [number, BreakerReport][] = [
      [0, fault],
      [2_000, fault],
    ]
    expect(stopped(after(two))).toBeNull()
    expect(stopped(after([...two, [4_000, fault]]))).toBe('own-faults')
    expect(stopped(after([...two, [3_000, served], [4_000, fault]]))).toBeNull()
  })

  it('at once are one accident: a crash ends every job', () => {
    const crash = (at: number): [number, BreakerReport][] => Array.from({ length: 64 }, () => [at, fault])
    expect(stopped(after(crash(0)))).toBeNull()
    expect(stopped(after([...crash(0), ...crash(5_000)]))).toBeNull()
    const state = after([...crash(0), ...crash(5_000), ...crash(10_000).slice(0, 1)])
    expect(stoppedBy(state, HERE)?.reason).toEqual(
      because('breaker.ownFaults', { model: 'model of dep_1', faults: 129, code: 'ENGINE_CRASHED' }),
    )
  })

  it('as fast as jobs can fail stop it within its time', () => {
    const reports: [number, BreakerReport][] = Array.from({ length: 1_000 }, (_, n) => [n * 10, fault])
    const at = reports.findIndex((_, n) => stopped(after(reports.slice(0, n + 1))) !== null)
    expect(at * 10).toBe((FAULTS_MAX - 1) * 1_000)
    expect(at * 10).toBeLessThan(TRIGGERS['own-faults'].withinMs)
  })
})

describe('what is stopped', () => {
  it.each<[string, BreakerReport, boolean]>([
    ['one deployment', silent, false],
    ['every deployment of a model', changed, false],
    ['one venue', books(VENUE), false],
    ['all, where the machine’s own books fail', books(null), true],
    ['all, where the folder is gone', folder, true],
  ])('is %s', (_name, what, everything) => {
    const state = after([[0, what]])
    expect(stopped(state)).toBe(what.kind)
    expect(stopped(state, OTHER)).toBe(everything ? what.kind : null)
    expect(stopped(after([[0, what]]), { ...HERE, sha256: null })).toBe(what.kind === 'changed-file' ? null : what.kind)
  })

  it('says what concerns most first, and keeps each by itself', () => {
    const state = after([
      [0, silent],
      [1, changed],
      [2, books(VENUE)],
      [3, folder],
    ])
    expect(stopped(state)).toBe('folder-gone')
    expect(tripsThrough(state, HERE)).toHaveLength(4)
    expect(stopped(letGo(state, 'folder-gone ', 10))).toBe('books-not-writable')
  })

  it('a repeated report changes nothing; a file that changed and then went says so', () => {
    const state = after([[0, changed]])
    expect(after([[500, changed]], state)).toBe(state)
    const gone = after([[500, { ...changed, found: 'missing' }]], state)
    expect(stoppedBy(gone, HERE)).toMatchObject({ reason: { code: 'breaker.fileMissing' }, since: 1_000_000 })
  })
})

describe('self-checks', () => {
  const id = 'silent-engine dep_1'
  const found = because('breaker.noAnswer', { seconds: 20 })

  it('begin after the first pause, one at a time, and are farther apart with each that fails', () => {
    let state = after([[0, silent]])
    expect(dueChecks(state, 999)).toEqual([])
    expect(dueChecks(state, 1_000).map((trip) => trip.id)).toEqual([id])
    state = checkBegun(state, id)
    expect(dueChecks(state, 60_000)).toEqual([])
    state = checkEnded(state, id, found, 21_000)
    expect(stoppedBy(state, HERE)).toMatchObject({ checks: 1, found, checkAt: 23_000 })
    expect(stopped(checkEnded(checkBegun(state, id), id, null, 24_000))).toBeNull()
  })

  it('what stops again soon goes on with the pauses it had; after a calm time it begins anew', () => {
    let state = after([[0, silent]])
    for (let n = 0; n < 3; n += 1) state = checkEnded(checkBegun(state, id), id, found, n * 1_000)
    state = checkEnded(state, id, null, 10_000)
    expect(stoppedBy(after([[11_000, silent]], state), HERE)).toMatchObject({ checks: 4, checkAt: 11_000 + 16_000 })
    const calm = 10_000 + CALM_MS
    expect(stoppedBy(after([[calm, silent]], state), HERE)).toMatchObject({ checks: 0, checkAt: calm + 1_000 })
  })

  it('faults before a passed check are forgotten: the next three count', () => {
    const reports: [number, BreakerReport][] = [0, 2_000, 4_000].map((ms) => [ms, fault])
    const open = checkEnded(after(reports), 'own-faults dep_1', null, 6_000)
    expect(stopped(after([[7_000, fault]], open))).toBeNull()
    expect(
      stopped(
        after(
          reports.map(([ms, what]) => [ms + 7_000, what]),
          open,
        ),
      ),
    ).toBe('own-faults')
  })

  it('an end that comes after the owner let it go changes nothing', () => {
    const state = letGo(checkBegun(after([[0, silent]]), id), id, 500)
    expect(checkEnded(state, id, found, 600)).toBe(state)
  })
})
