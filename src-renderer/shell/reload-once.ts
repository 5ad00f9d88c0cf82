/**
 * A screen's file that cannot be had: after an update the old ones are gone, and an open page still asks for them.
 * Loading the page again mends that, once; it must never become a loop.
 */

const KEY = 'stoker.reloaded'
const ASK_TIMEOUT_MS = 8_000

export interface ReloadPort {
  /** Does the server hand out the page itself? */
  answers(): Promise<boolean>
  /** True when this tab was loaded again for a missing file and no screen came since; true also where that cannot be known. */
  reloaded(): boolean
  setReloaded(reloaded: boolean): void
  reload(): void
}

/** `unreachable`: nothing to load from, the page stays. `missing`: the server is there and a fresh page did not help. */
export type MissingScreen = 'reloading' | 'unreachable' | 'missing'

/** Loads the page again where that can help: at most once until a screen has come. */
export async function mendMissing(port: ReloadPort): Promise<MissingScreen> {
  if (!(await port.answers())) return 'unreachable'
  if (port.reloaded()) return 'missing'
  port.setReloaded(true)
  // A storage that keeps nothing would let the next page begin again.
  if (!port.reloaded()) return 'missing'
  port.reload()
  return 'reloading'
}

/** This tab's own. A browser without storage is never loaded again by itself. */
export const reloadPort: ReloadPort = {
  async answers() {
    try {
      const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
      return (await fetch(document.baseURI.split('#', 1)[0]!, { cache: 'no-cache', signal })).ok
    } catch {
      return false
    }
  },
  reloaded() {
    try {
      return sessionStorage.getItem(KEY) !== null
    } catch {
      return true
    }
  },
  setReloaded(reloaded) {
    try {
      if (reloaded) sessionStorage.setItem(KEY, '1')
      else sessionStorage.removeItem(KEY)
    } catch {
      // Then reloaded() says so.
    }
  },
  reload: () => location.reload(),
}
