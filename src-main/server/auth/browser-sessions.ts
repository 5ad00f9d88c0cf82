/** Browser sessions: random cookies, stored as hashes in a 0600 file, revocable. The API token is never a cookie. */
import { z } from 'zod'

import { DAY_MS, type Clock } from '#contract/time.ts'
import { sha256Hex } from '#lib/canonical.ts'
import type { IdSource } from '#lib/id-source.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

export const SESSION_LIFE_MS = 30 * DAY_MS
/** Sessions kept at once; one more drops the oldest. */
const SESSIONS_MAX = 64

const stored = z.object({
  instance: z.string().regex(/^[0-9a-z]{8,32}$/),
  sessions: z
    .array(
      z.object({
        id: z.string().max(64),
        hash: z.string().length(64),
        /** SHA-256 of the page's secret. A session of an older version has none, and opens nothing. */
        page: z.string().length(64).optional(),
        createdAt: z.number(),
        label: z.string().max(200),
      }),
    )
    .max(SESSIONS_MAX),
})
type Stored = z.infer<typeof stored>

export interface SessionView {
  readonly id: string
  readonly createdAt: number
  readonly label: string
}

export interface BrowserSessions {
  /** Names the cookie, so that two consoles on one host do not overwrite each other's: cookies know no ports. */
  readonly cookieName: string
  /** Makes a session and returns the cookie's value and the page's secret, which are stored nowhere. */
  create(label: string): { token: string; page: string; id: string }
  /** The session of a cookie and a page's secret; either alone is nothing. */
  find(token: string, page: string): SessionView | null
  /** Whether a cookie belongs to a session whose page's secret is still to come. Opens nothing. */
  knows(token: string): boolean
  list(): SessionView[]
  revoke(id: string): boolean
  /** Called with the id of every session that ends, so that its sockets can be closed. */
  onRevoked(listener: (id: string) => void): () => void
}

function load(path: string, ids: IdSource): Stored {
  const text = readSecretFile(path)
  if (text !== null) {
    try {
      return stored.parse(JSON.parse(text))
    } catch {
      // A damaged session file costs a login, nothing else: start afresh.
    }
  }
  return { instance: ids.next('i').slice(2, 14), sessions: [] }
}

export function openBrowserSessions(path: string, clock: Clock, ids: IdSource): BrowserSessions {
  const state = load(path, ids)
  const listeners = new Set<(id: string) => void>()
  const save = (): void => writeSecretFile(path, JSON.stringify(state))
  const alive = (session: { createdAt: number }): boolean => clock.now() - session.createdAt < SESSION_LIFE_MS
  const byCookie = (token: string): Stored['sessions'][number] | undefined => {
    const hash = sha256Hex(token)
    return state.sessions.find((each) => each.hash === hash && alive(each))
  }
  const drop = (gone: (session: { id: string }) => boolean): boolean => {
    const before = state.sessions.length
    const ended = state.sessions.filter(gone)
    state.sessions = state.sessions.filter((session) => !gone(session))
    for (const session of ended) for (const listener of listeners) listener(session.id)
    return state.sessions.length < before
  }
  save()
  return {
    cookieName: `stoker_${state.instance}`,
    create(label) {
      drop((session) => !alive(session as Stored['sessions'][number]))
      const oldest = state.sessions.length >= SESSIONS_MAX ? state.sessions[0] : undefined
      if (oldest !== undefined) drop((session) => session.id === oldest.id)
      const [token, page] = [ids.secret(32), ids.secret(32)]
      const id = ids.next('ses')
      const hashes = { hash: sha256Hex(token), page: sha256Hex(page) }
      state.sessions.push({ id, ...hashes, createdAt: clock.now(), label: label.slice(0, 200) })
      save()
      return { token, page, id }
    },
    find(token, page) {
      const session = byCookie(token)
      // Looked up by hashes, so the time taken says nothing about a stored secret.
      return session?.page !== undefined && session.page === sha256Hex(page)
        ? { id: session.id, createdAt: session.createdAt, label: session.label }
        : null
    },
    knows: (token) => byCookie(token)?.page !== undefined,
    list: () => state.sessions.filter(alive).map(({ id, createdAt, label }) => ({ id, createdAt, label })),
    revoke(id) {
      const revoked = drop((session) => session.id === id)
      if (revoked) save()
      return revoked
    },
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
