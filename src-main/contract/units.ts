/**
 * The units that Stoker knows, as data: the one place that names them. Zod-free, so that the renderer may import it.
 * What a unit is to one venue stands in that venue's configuration (embedded-venue.ts).
 */

/** Money is a state's currency. A token can be sold for some. Points are neither and are never shown as money. */
export const UNIT_KINDS = ['money', 'token', 'points'] as const
export type UnitKind = (typeof UNIT_KINDS)[number]

/** A unit's short name, as in ledgers and on the wire: one of UNITS, or one that only its venue knows. */
export type UnitCode = string
export const UNIT_CODE_PATTERN = /^[A-Za-z][A-Za-z0-9-]{0,15}$/
/** Digits after the point that an integer amount holds at most. */
export const SCALE_MAX = 9

export interface Unit {
  readonly code: UnitCode
  readonly kind: UnitKind
  /** Amounts are integers of 10^-scale; 0 to 9. */
  readonly scale: number
  /** In running text, after a number: `0.42 practice credits`. */
  readonly name: string
  /** Before a number, in place of the name; of money only. */
  readonly sign?: string | undefined
}

const money = (code: UnitCode, sign?: string): Unit => ({
  code,
  kind: 'money',
  scale: 9,
  name: code,
  ...(sign === undefined ? {} : { sign }),
})
const token = (code: UnitCode, scale: number): Unit => ({ code, kind: 'token', scale, name: code })
const points = (code: UnitCode, scale: number, name: string): Unit => ({ code, kind: 'points', scale, name })

export const UNITS: readonly Unit[] = [
  money('USD', '$'),
  ...['EUR', 'GBP', 'CHF', 'JPY', 'CAD', 'AUD'].map((code) => money(code)),
  /** Practice credits: no real buyer, nothing is paid. */
  points('PCR', 9, 'practice credits'),
  /** Of the simulated market. */
  points('SIM', 9, 'simulated dollars'),
  token('AIPG', 9),
  token('USDC', 6),
  points('kudos', 2, 'kudos'),
  points('den', 2, 'den'),
]

const BY_CODE: ReadonlyMap<UnitCode, Unit> = new Map(UNITS.map((unit) => [unit.code, unit]))

/** A unit by its code; undefined for one that only its venue knows. */
export const knownUnit = (code: UnitCode): Unit | undefined => BY_CODE.get(code)

/** As `knownUnit`, for codes of this program. */
export function unitOf(code: UnitCode): Unit {
  const unit = BY_CODE.get(code)
  if (unit === undefined) throw new Error(`${code} is no unit of contract/units.ts`)
  return unit
}

export const REALMS = ['real', 'practice', 'simulated'] as const
/** Realms are never summed with one another. */
export type Realm = (typeof REALMS)[number]

/** Protocol 1 has one unit a realm, and names it in every receipt. */
export const V1_UNIT_OF_REALM = { real: 'USD', practice: 'PCR', simulated: 'SIM' } as const satisfies Readonly<
  Record<Realm, UnitCode>
>
export const V1_UNIT_CODES = [V1_UNIT_OF_REALM.real, V1_UNIT_OF_REALM.practice, V1_UNIT_OF_REALM.simulated] as const
