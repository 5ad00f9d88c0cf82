/** Price per kWh and watts as the owner types them. Pure. */
import { editable, POWER, readNano } from './format.ts'
import { readNumber, typeable } from './read-number.ts'
import { t } from './say.ts'

export interface PowerDraft {
  kwh: string
  serving: string
  idle: string
}
export interface PowerValues {
  kwhPriceNano: number | null
  wattsServing: number | null
  wattsIdle: number | null
}

export const draftOf = (values: PowerValues): PowerDraft => ({
  kwh: values.kwhPriceNano === null ? '' : editable(values.kwhPriceNano, POWER),
  serving: typeable(values.wattsServing?.toString() ?? ''),
  idle: typeable(values.wattsIdle?.toString() ?? ''),
})

interface WattsReading {
  watts: number | null | 'bad'
  ask: readonly [string, string] | null
}

function readWatts(typed: string): WattsReading {
  if (typed.trim() === '') return { watts: null, ask: null }
  const reading = readNumber(typed)
  if (reading.kind === 'ambiguous') return { watts: 'bad', ask: reading.texts }
  const value = reading.kind === 'none' ? Number.NaN : Number(reading.text)
  return { watts: value <= 20_000 ? value : 'bad', ask: null }
}

export interface PowerProblems {
  kwh?: string
  serving?: string
  idle?: string
}

export interface DraftReading {
  values: PowerValues
  problems: PowerProblems
  /** Where a number may mean two: both, as plain decimals. */
  asks: Readonly<Record<keyof PowerDraft, readonly [string, string] | null>>
}

/** The values, or what is wrong with which field. An empty field means "not known". */
export function readDraft(draft: PowerDraft): DraftReading {
  const kwh = draft.kwh.trim() === '' ? { nano: null, ask: null } : readNano(draft.kwh, POWER)
  const serving = readWatts(draft.serving)
  const idle = readWatts(draft.idle)
  const watts = 'Watts between 0 and 20,000, or empty.'
  const isBadPrice = (draft.kwh.trim() !== '' && kwh.nano === null) || (kwh.nano ?? 0) > 1e12
  const problems: PowerProblems = {
    ...(isBadPrice ? { kwh: kwh.ask === null ? 'A price such as 0.28, or empty.' : t('ask.which') } : {}),
    ...(serving.watts === 'bad' ? { serving: serving.ask === null ? watts : t('ask.which') } : {}),
    ...(idle.watts === 'bad' ? { idle: idle.ask === null ? watts : t('ask.which') } : {}),
  }
  return {
    values: {
      kwhPriceNano: kwh.nano,
      wattsServing: serving.watts === 'bad' ? null : serving.watts,
      wattsIdle: idle.watts === 'bad' ? null : idle.watts,
    },
    problems,
    asks: { kwh: kwh.ask, serving: serving.ask, idle: idle.ask },
  }
}
