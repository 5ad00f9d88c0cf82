/**
 * `npm run dev:web`: the console over a Fake core with hot reload, in every scene, in any browser. Needs no build, no
 * Electron and no model.
 */
import { parseArgs } from 'node:util'

import { PAGE_PORT, startPageServer } from '../dev/page-server.ts'
import { sceneServer } from './scene-server.ts'
import { scenePath } from './scenes.ts'
import { workshopPages } from './page-routes.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: String(PAGE_PORT) } } })
const port = Number(values.port)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port is a number from 0 (any free one) to 65535, not "${values.port}".`)
  process.exit(2)
}
const { url } = await startPageServer('workshop', port, {
  appType: 'custom',
  plugins: [sceneServer(), workshopPages()],
  optimizeDeps: { entries: ['index.html', '../tools/workshop/*.tsx'] },
})
const at = (path: string): string => new URL(path, url).href
console.log(`The console over a Fake core, with hot reload (invented figures; ends with Ctrl+C):

  one page:   ${at(scenePath('busy', 'light'))}
  workshop:   ${at('/')}   every scene, screen, theme and width
  parts:      ${at('/parts')}   the shared parts alone
`)
