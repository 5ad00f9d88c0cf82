/** Price per kWh and watts as the owner types them. Pure. */
import { editable, parseNano } from './format.ts'

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

/** A usual household price to start from, in nano-units of the currency; the owner edits it. */
export const TYPICAL_KWH_NANO: Readonly<Record<string, number>> = {
  USD: 170_000_000,
  EUR: 300_000_000,
  GBP: 270_000_000,
  CHF: 280_000_000,
  JPY: 31_000_000_000,
  CAD: 140_000_000,
  AUD: 320_000_000,
}

export const draftOf = (values: PowerValues): PowerDraft => ({
  kwh: values.kwhPriceNano === null ? '' : editable(values.kwhPriceNano),
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
  const kwh = draft.kwh.trim() === '' ? null : parseNano(draft.kwh)
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
