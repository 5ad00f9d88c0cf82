/** The one function, outside Electron, that names the data folder for both modes. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** STOKER_DATA when set, else the system's place for an application's data. */
export function dataDirectory(env: Readonly<Record<string, string | undefined>> = process.env, platform: string = process.platform, home: string = homedir()): string {
  const chosen = env['STOKER_DATA']
  if (chosen !== undefined && chosen !== '') return chosen
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Stoker')
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Stoker')
  return join(env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'stoker')
}
