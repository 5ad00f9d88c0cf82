import type { Os } from '#core/os.ts'

import type { SettingsService } from './settings-service.ts'

export const settingsApi = (os: Os, settings: SettingsService) => ({
  settings: os.app.settings.handler(() => settings.current()),
  updateSettings: os.app.updateSettings.handler(({ input }) => settings.change(input)),
})
