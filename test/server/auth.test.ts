import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createFailedLogins } from '#server/auth/failed-logins.ts'
import { CODE_LIFE_MS, createLoginCodes } from '#server/auth/login-codes.ts'
import { openBrowserSessions, SESSION_LIFE_MS } from '#server/auth/browser-sessions.ts'
import { randomIds } from '#lib/id-source.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'

describe('login codes', () => {
  it('opens once and never again (a link in a shell history must be worthless)', () => {
    const codes = createLoginCodes(new FakeClock(), countingIds())
    const code = codes.make()
    expect([codes.redeem(code), codes.redeem(code)]).toEqual([true, false])
  })

  it('dies after ten minutes', () => {
    const clock = new FakeClock()
    const codes = createLoginCodes(clock, countingIds())
    const [late, early] = [codes.make(), codes.make()]
    clock.jump(CODE_LIFE_MS - 1)
    expect(codes.redeem(early)).toBe(true)
    clock.jump(1)
    expect(codes.redeem(late)).toBe(false)
  })

  it('keeps a bounded number: the oldest of many goes, the newest stays', () => {
    const codes = createLoginCodes(new FakeClock(), countingIds())
    const made = Array.from({ length: 40 }, () => codes.make())
    expect([codes.redeem(made[0]!), codes.redeem(made[39]!)]).toEqual([false, true])
  })
})

describe('sessions', () => {
  const open = (dir: string, clock = new FakeClock()) =>
    openBrowserSessions(
      join(dir, 'sessions.json'),
      clock,
      randomIds(() => clock.now()),
    )

  it('stores no cookie value, in a file only the owner can read', () => {
    const dir = tempDir()
    const { token, page } = open(dir).create('a browser')
    const stored = readFileSync(join(dir, 'sessions.json'), 'utf8')
    for (const secret of [token, page]) expect(stored).not.toContain(secret)
    expect(statSync(join(dir, 'sessions.json')).mode & 0o777).toBe(0o600)
  })

  it('survives a restart under the same cookie name, and a revoked one does not come back', () => {
    const dir = tempDir()
    const first = open(dir)
    const [kept, revoked] = [first.create('a'), first.create('b')]
    first.revoke(revoked.id)
    const again = open(dir)
    expect([again.cookieName, again.find(kept.token, kept.page)?.id, again.find(revoked.token, revoked.page)]).toEqual([
      first.cookieName,
      kept.id,
      null,
    ])
  })

  it('a cookie or a page’s secret alone is nothing, and one session’s does not fit another', () => {
    const sessions = open(tempDir())
    const [mine, other] = [sessions.create('a'), sessions.create('b')]
    expect([
      sessions.find(mine.token, mine.page)?.id,
      sessions.find(mine.token, ''),
      sessions.find(mine.token, other.page),
      sessions.find(mine.page, mine.page),
      sessions.knows(mine.token),
      sessions.knows(mine.page),
    ]).toEqual([mine.id, null, null, null, true, false])
  })

  it('tells who listens that a session ended, so that its sockets close', () => {
    const sessions = open(tempDir())
    const ended: string[] = []
    sessions.onRevoked((id) => ended.push(id))
    const { id } = sessions.create('a')
    sessions.revoke(id)
    expect(ended).toEqual([id])
  })

  it('ends by age, and starts afresh from a damaged file instead of failing', () => {
    const clock = new FakeClock()
    const dir = tempDir()
    const sessions = open(dir, clock)
    const { token, page } = sessions.create('a')
    expect(sessions.find(token, page)).not.toBeNull()
    clock.jump(SESSION_LIFE_MS)
    expect([sessions.find(token, page), sessions.knows(token)]).toEqual([null, false])
  })
})

describe('failed logins', () => {
  it('are ten at once and one each six seconds from one address; another has its own', () => {
    const clock = new FakeClock()
    const logins = createFailedLogins(clock)
    for (let failure = 0; failure < 10; failure += 1) expect(logins.failed('10.0.0.1')).toBe(true)
    expect([logins.failed('10.0.0.1'), logins.failed('10.0.0.2')]).toEqual([false, true])
    clock.jump(6_000)
    expect([logins.failed('10.0.0.1'), logins.failed('10.0.0.1')]).toEqual([true, false])
  })
})
