/** The command line of bench:serve. */
import { parseArgs } from 'node:util'

import type { StokerChoice } from './stoker-side.ts'

export interface ServeOptions {
  full: boolean
  only: string[]
  rounds: number
  gpu: boolean
  fresh: boolean
  writeDocs: boolean
  /** No new cell is begun after so many minutes. */
  minutes: number
  /** Null: Stoker measures itself. */
  stoker: StokerChoice['settings'] | null
}

export const USAGE = `npm run bench:serve -- [--full] [--only WORDS[,WORDS…]] [--rounds 3] [--minutes 26] [--fresh] [--write-docs] [--gpu] [--stoker processes=1,threads=2,batchTokens=512]
  --full        all shapes, concurrencies and prompts, and everything again with one core busy; no limit in time; goes on where it stopped
  --only        cells whose name has all these words: tiny, "mini ×4", "long prompt", busy, mixed
  --minutes     no cell is begun after so many (default 26; 0 is no limit)
  --fresh       forgets what was measured before at this commit
  --write-docs  writes the table into docs/benchmarks.md
  --gpu         all layers on the GPU; STOKER_LLAMA_SERVER names a llama-server built for it
  --stoker      settings instead of Stoker's own calibration`

const SETTINGS = ['processes', 'threads', 'batchTokens'] as const

function settingsOf(text: string): StokerChoice['settings'] {
  const settings: StokerChoice['settings'] = {}
  for (const pair of text.split(',')) {
    const [name, value] = pair.split('=')
    const known = SETTINGS.find((each) => each === name)
    if (known === undefined || !/^[1-9]\d*$/.test(value ?? ''))
      throw new Error(`--stoker takes ${SETTINGS.join(', ')}, each =N; not ${pair}`)
    settings[known] = Number(value)
  }
  return settings
}

const whole = (text: string, name: string): number => {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number`)
  return Number(text)
}

/** Throws with a message for the user. */
export function parseOptions(args: string[]): ServeOptions {
  const { values } = parseArgs({
    args,
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      minutes: { type: 'string' },
      gpu: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      stoker: { type: 'string' },
    },
  })
  const { full, gpu, fresh } = values
  return {
    full,
    gpu,
    fresh,
    only: values.only?.split(',').map((words) => words.trim()) ?? [],
    rounds: Math.max(1, whole(values.rounds, 'rounds')),
    writeDocs: values['write-docs'],
    minutes: whole(values.minutes ?? (full ? '0' : '26'), 'minutes'),
    stoker: values.stoker === undefined ? null : settingsOf(values.stoker),
  }
}
