/** How the command line finds and asks the process that owns a data folder. */
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import type { ContractRouterClient } from '@orpc/contract'

import { fail } from '#contract/errors.ts'
import type { Contract } from '#contract/index.ts'
import { apiToken, liveOwner } from '#server/data-dir.ts'

const ASK_TIMEOUT_MS = 5_000

export interface RunningOwner {
  readonly url: string
  readonly pid: number
  readonly token: string
  readonly client: ContractRouterClient<Contract>
}

/** Connects to a console by its url and API token. */
export function connect(url: string, token: string): ContractRouterClient<Contract> {
  return createORPCClient(new RPCLink({ url: `${url}/rpc-http`, headers: { authorization: `Bearer ${token}` } }))
}

/**
 * The running owner of `dir`, or null when nobody holds the folder or its console does not answer. Nothing is sent to
 * an address whose writer is gone.
 */
async function findOwner(dir: string): Promise<RunningOwner | null> {
  const owner = liveOwner(dir)
  if (owner?.url === undefined) return null
  try {
    const token = apiToken(dir)
    const response = await fetch(`${owner.url}/auth/state`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    })
    const state = (await response.json()) as { loggedIn?: unknown }
    return response.ok && state.loggedIn === true
      ? { url: owner.url, pid: owner.pid, token, client: connect(owner.url, token) }
      : null
  } catch (error) {
    const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? ''
    if (/CERT|SELF_SIGNED|ALTNAME|VERIFY/.test(code)) {
      throw fail('owner.certificate', { url: owner.url, error: code }, { cause: error })
    }
    return null
  }
}

/** As findOwner; throws UNAVAILABLE that says how to start one. */
export async function needOwner(dir: string): Promise<RunningOwner> {
  const owner = await findOwner(dir)
  if (owner === null) throw fail('owner.notRunning', { dir })
  return owner
}
