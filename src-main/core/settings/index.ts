/** Settings of the owner: one row, read often, changed rarely. */
import { hostname } from 'node:os'

import type { CoreContext } from '#core/core-context.ts'

import { settingsApi } from './settings.api.ts'
import { readSettings, writeSettings } from './settings.store.ts'
import type { SettingsService } from './settings-service.ts'
import { changesPower, changeSettings, defaultSettings } from './settings.ts'

export type { SettingsService } from './settings-service.ts'

export type SettingsContext = Pick<CoreContext, 'os' | 'rigDb' | 'clock' | 'events'>

export function createSettings(context: SettingsContext, machineName: string = hostname()) {
  const defaults = defaultSettings(machineName)
  const service: SettingsService = {
    current: () => readSettings(context.rigDb.read) ?? defaults,
    change(change) {
      const { before, after } = context.rigDb.tx((db) => {
        const before = readSettings(db) ?? defaults
        const after = changeSettings(before, change)
        writeSettings(db, after, context.clock.now())
        return { before, after }
      })
      context.events.changed('settings')
      if (changesPower(before, after)) context.events.changed('power')
      return after
    },
  }
  return { ...service, api: settingsApi(context.os, service) }
}
