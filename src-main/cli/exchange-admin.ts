/** Asks a running exchange as its owner: owner.json of the folder it holds says where, admin-token opens the door. */
import { statSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { readSecretFile } from '#lib/secret-file.ts'
import { liveOwner } from '#server/data-dir.ts'

const TIMEOUT_MS = 10_000

const madeKey = z.object({ buyerId: z.string(), key: z.string() })

export interface ExchangeAdmin {
  readonly url: string
  /** A new buyer with practice credit; the key is shown once. */
  makeBuyerKey(name: string): Promise<string>
  /** Moves a virtual clock; UNAVAILABLE on a real one. */
  advanceClock(ms: number): Promise<void>
}

/** The exchange folder of a data folder, or the folder itself when it is an exchange's own. */
export function exchangeDirOf(dir: string): string {
  const own = statSync(join(dir, 'exchange.key'), { throwIfNoEntry: false })
  return own === undefined ? join(dir, 'exchange') : dir
}

/**
 * Null when no exchange holds this folder, or it does not answer. Nothing is sent to an address whose writer is gone.
 */
export async function findExchange(dir: string): Promise<ExchangeAdmin | null> {
  const folder = exchangeDirOf(dir)
  // The owner writes its address into the folder it holds; listen.json says the same, but stays after a kill -9.
  const url = liveOwner(folder)?.url
  if (url === undefined) return null
  try {
    const token = readSecretFile(join(folder, 'admin-token'))?.trim() ?? ''
    const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    return health.ok ? adminAt(url, token) : null
  } catch {
    return null
  }
}

/** As findExchange; throws UNAVAILABLE that says how to start one. */
export async function exchangeAdmin(dir: string): Promise<ExchangeAdmin> {
  const admin = await findExchange(dir)
  if (admin === null) throw fail('exchangeAdmin.noAnswer', { dir })
  return admin
}

function adminAt(url: string, token: string): ExchangeAdmin {
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${url}/admin/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok)
      throw fail('exchangeAdmin.http', { url, status: response.status, body: (await response.text()).slice(0, 300) })
    return response.json()
  }
  return {
    url,
    makeBuyerKey: async (name) => madeKey.parse(await post('buyer-keys', { name })).key,
    advanceClock: async (ms) => void (await post('clock', { advanceMs: ms })),
  }
}
