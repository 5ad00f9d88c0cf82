/**
 * The servers of one shape: started when first needed, kept for all its cells, so that rounds can alternate between
 * them.
 */
import { calibrateStoker, startStoker, type StokerChoice } from './stoker-side.ts'
import { startLlama } from './llama-side.ts'

import type { Side, SideOptions } from './side.ts'

export interface Fleet {
  /** Null threads: its own choice. */
  llama(threads: number | null): Promise<Side>
  stoker(prefixReuse: boolean): Promise<Side>
  stop(): Promise<void>
}

export interface FleetOptions {
  side: SideOptions
  llamaPath: string
  /** Stoker's settings; asked for once. */
  choice: () => Promise<StokerChoice>
}

export function createFleet({ side, llamaPath, choice }: FleetOptions): Fleet {
  const started = new Map<string, Promise<Side>>()
  const once = (name: string, start: () => Promise<Side>): Promise<Side> => {
    const known = started.get(name)
    if (known !== undefined) return known
    const made = start()
    started.set(name, made)
    return made
  }
  return {
    llama: (threads) => once(`llama ${threads}`, () => startLlama(llamaPath, side, threads)),
    stoker: (prefixReuse) => once(`stoker ${prefixReuse}`, async () => startStoker(side, await choice(), prefixReuse)),
    async stop() {
      await Promise.all([...started.values()].map(async (each) => (await each.catch(() => null))?.stop()))
      started.clear()
    },
  }
}

/** Given settings, or what Stoker measures itself. */
export async function chooseSettings(
  options: SideOptions,
  given: StokerChoice['settings'] | null,
): Promise<StokerChoice> {
  return given === null ? calibrateStoker(options) : { settings: given, how: 'given' }
}
