/** What the owner may set, and the rules a change must keep. */
import type { Settings } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import { POWER_CURRENCY_AT_FIRST } from '#contract/power-currencies.ts'

const RIG_NAME_MAX = 80
/** Used where the machine has no name of its own. */
const RIG_NAME_FALLBACK = 'my rig'

/** The settings of a new data folder; the rig is called as the machine is. */
export function defaultSettings(hostname: string): Settings {
  const rigName = hostname.trim().slice(0, RIG_NAME_MAX)
  return {
    rigName: rigName === '' ? RIG_NAME_FALLBACK : rigName,
    kwhPriceNano: null,
    powerCurrency: POWER_CURRENCY_AT_FIRST,
    wattsServing: null,
    wattsIdle: null,
    theme: 'system',
    closeToTray: 'ask',
  }
}

/** A change: fields left out or undefined stay as they are. */
export type SettingsChange = { [Field in keyof Settings]?: Settings[Field] | undefined }

/** The settings after the change. Throws BAD_REQUEST, saying which value to mend. */
export function changeSettings(current: Settings, change: SettingsChange): Settings {
  const given = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  const next: Settings = { ...current, ...given }
  next.rigName = next.rigName.trim()
  if (next.rigName === '') throw fail('settings.rigName', {}, { data: { field: 'rigName' } })
  if (next.wattsServing !== null && next.wattsIdle !== null && next.wattsIdle > next.wattsServing) {
    throw fail(
      'settings.idleAboveServing',
      { idle: next.wattsIdle, serving: next.wattsServing },
      {
        data: { field: 'wattsIdle' },
      },
    )
  }
  return next
}

/** Whether the change touches what electricity costs or how it is estimated. */
export const changesPower = (before: Settings, after: Settings): boolean =>
  before.kwhPriceNano !== after.kwhPriceNano ||
  before.powerCurrency !== after.powerCurrency ||
  before.wattsServing !== after.wattsServing ||
  before.wattsIdle !== after.wattsIdle
