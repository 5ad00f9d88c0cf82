/**
 * The port of the embedded exchange: a named one is kept or nothing is; otherwise the last one is asked for again, over
 * restarts of the host and of Stoker, since buyers were told its address.
 */
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

export interface PortMemory {
  /** Arguments of the next start. */
  args(): string[]
  /** It listens there: where it was before, if that is somewhere else. */
  moved(port: number): { before: number; port: number } | null
}

const PORT_MAX = 65_535

function stored(path: string | undefined): number {
  if (path === undefined) return 0
  try {
    const port = Number(readSecretFile(path)?.trim())
    return Number.isInteger(port) && port > 0 && port <= PORT_MAX ? port : 0
  } catch {
    // What it costs is an address that changes.
    return 0
  }
}

export function rememberedPort({ port: named, portFile }: { port: number; portFile?: string }): PortMemory {
  let last = named === 0 ? stored(portFile) : named
  return {
    args() {
      const port = ['--port', String(last), '--port-option=--exchange-port']
      return named === 0 && last !== 0 ? [...port, '--or-any-port'] : port
    },
    moved(port) {
      const before = last
      last = port
      if (before === port) return null
      if (portFile !== undefined && named === 0) {
        try {
          writeSecretFile(portFile, `${port}\n`)
        } catch {
          // A full disk must not keep it from selling.
        }
      }
      return before === 0 ? null : { before, port }
    },
  }
}
