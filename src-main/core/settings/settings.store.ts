/** The one row of settings. */
import type { Settings } from '#contract/app.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

interface Row {
  rig_name: string
  kwh_price_nano: number | null
  power_currency: Settings['powerCurrency']
  watts_serving: number | null
  watts_idle: number | null
  theme: Settings['theme']
  close_to_tray: Settings['closeToTray']
}

/** Null before the owner changed anything. */
export function readSettings(db: ReadDb): Settings | null {
  const row = db
    .prepare<Row>(
      'SELECT rig_name, kwh_price_nano, power_currency, watts_serving, watts_idle, theme, close_to_tray FROM settings WHERE id = 1',
    )
    .get()
  if (row === undefined) return null
  return {
    rigName: row.rig_name,
    kwhPriceNano: row.kwh_price_nano,
    powerCurrency: row.power_currency,
    wattsServing: row.watts_serving,
    wattsIdle: row.watts_idle,
    theme: row.theme,
    closeToTray: row.close_to_tray,
  }
}

export function writeSettings(db: WriteDb, settings: Settings, at: number): void {
  db.prepare(`
    INSERT INTO settings (id, rig_name, kwh_price_nano, power_currency, watts_serving, watts_idle, theme, close_to_tray, updated_at)
    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET rig_name = excluded.rig_name, kwh_price_nano = excluded.kwh_price_nano, power_currency = excluded.power_currency,
      watts_serving = excluded.watts_serving, watts_idle = excluded.watts_idle, theme = excluded.theme, close_to_tray = excluded.close_to_tray, updated_at = excluded.updated_at
  `).run(
    settings.rigName,
    settings.kwhPriceNano,
    settings.powerCurrency,
    settings.wattsServing,
    settings.wattsIdle,
    settings.theme,
    settings.closeToTray,
    at,
  )
}
