/** Price per kWh and watts as the owner types them. Pure. */
import { editable, parseAmount, POWER } from './format.ts'

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
  serving: values.wattsServing?.toString() ?? '',
  idle: values.wattsIdle?.toString() ?? '',
})

const wattsOf = (text: string): number | null | 'bad' => {
  if (text.trim() === '') return null
  const value = Number(text.replace(',', '.'))
  return Number.isFinite(value) && value >= 0 && value <= 20_000 ? value : 'bad'
}

export interface PowerProblems {
  kwh?: string
  serving?: string
  idle?: string
}

/** The values, or what is wrong with which field. An empty field means "not known". */
export function readDraft(draft: PowerDraft): { values: PowerValues; problems: PowerProblems } {
  const kwh = draft.kwh.trim() === '' ? null : parseAmount(draft.kwh, POWER)
  const serving = wattsOf(draft.serving)
  const idle = wattsOf(draft.idle)
  const watts = 'Watts between 0 and 20,000, or empty.'
  const problems: PowerProblems = {
    ...((draft.kwh.trim() !== '' && kwh === null) || (kwh ?? 0) > 1e12
      ? { kwh: 'A price such as 0.28, or empty.' }
      : {}),
    ...(serving === 'bad' ? { serving: watts } : {}),
    ...(idle === 'bad' ? { idle: watts } : {}),
  }
  return {
    values: {
      kwhPriceNano: kwh,
      wattsServing: serving === 'bad' ? null : serving,
      wattsIdle: idle === 'bad' ? null : idle,
    },
    problems,
  }
}
