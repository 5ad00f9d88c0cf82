/** A deployment's settings as the owner types them; what is left empty is chosen for the machine. Pure. */
import type { Deployment } from '#contract/models.ts'
import { count } from '#ui/format.ts'

type Settings = Deployment['settings']
export type SettingsDraft = Readonly<Record<keyof Settings, string>>
export const EMPTY_DRAFT: SettingsDraft = { contextTokens: '', slots: '', threads: '', gpuLayers: '' }

/** Labels and the bounds of the contract, in the order of the form. */
export const SETTING_FIELDS: readonly { readonly name: keyof Settings; readonly label: string; readonly hint: string; readonly min: number; readonly max: number }[] = [
  { name: 'contextTokens', label: 'Context', hint: 'tokens of one job, question and answer', min: 32, max: 1_048_576 },
  { name: 'slots', label: 'Slots', hint: 'jobs at the same time', min: 1, max: 64 },
  { name: 'threads', label: 'Threads', hint: 'of the processor', min: 1, max: 256 },
  { name: 'gpuLayers', label: 'GPU layers', hint: '0: none, 1,000: all', min: 0, max: 1_000 },
]

/** The wish for the core, or what is wrong with which field. */
export function readSettings(draft: SettingsDraft): { wish: Partial<Settings>; problems: Partial<Record<keyof Settings, string>> } {
  const wish: Partial<Settings> = {}
  const problems: Partial<Record<keyof Settings, string>> = {}
  for (const { name, min, max } of SETTING_FIELDS) {
    const text = draft[name].trim()
    if (text === '') continue
    const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) wish[name] = value
    else problems[name] = `A whole number from ${count(min)} to ${count(max)}, or empty.`
  }
  return { wish, problems }
}
