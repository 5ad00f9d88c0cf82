/** What settings offer screens and other domains. */
import type { Settings } from '#contract/app.ts'

import type { SettingsChange } from './settings.ts'

export interface SettingsService {
  current(): Settings
  /** Throws BAD_REQUEST for values that contradict each other. */
  change(change: SettingsChange): Settings
}
