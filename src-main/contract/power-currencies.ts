/**
 * Currencies in which an owner may pay for electricity, as data: the one place that names them. Zod-free, so that the
 * renderer may import it. SQL holds the same list (rig-db/migrations/0010-owner.ts).
 */
export const POWER_CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'JPY', 'CAD', 'AUD'] as const
export type PowerCurrency = (typeof POWER_CURRENCIES)[number]

/** Until the owner chooses. */
export const POWER_CURRENCY_AT_FIRST: PowerCurrency = 'USD'

/** Electricity is counted in this scale of whatever currency the owner pays it in. */
export const POWER_SCALE = 9

/** A usual household price of a kWh to start from, in 10^-9 of the currency; the owner edits it. */
export const TYPICAL_KWH_NANO: Readonly<Record<PowerCurrency, number>> = {
  USD: 170_000_000,
  EUR: 300_000_000,
  GBP: 270_000_000,
  CHF: 280_000_000,
  JPY: 31_000_000_000,
  CAD: 140_000_000,
  AUD: 320_000_000,
}
