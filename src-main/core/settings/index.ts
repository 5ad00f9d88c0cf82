/** Settings of the owner: one row, read often, changed rarely. */
import { hostname } from 'node:os'

import type { Settings } from '#contract/app.ts'
import type { CoreContext } from '#core/core-context.ts'

import { settingsApi } from './settings.api.ts'
import { readSettings, writeSettings } from './settings.store.ts'
import { changesPower, changeSettings, defaultSettings, type SettingsChange } from './settings.ts'

export interface SettingsService {
  current(): Settings
  /** Throws BAD_REQUEST for values that contradict each other. */
  change(change: SettingsChange): Settings
}

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
