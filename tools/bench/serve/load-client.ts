/**
 * The load client's process: apart, so that its work neither waits for nor holds up what is measured. Gets runs and
 * answers them, one after the other.
 */
import { runLoad } from './load.ts'

import type { LoadRun } from './load-types.ts'

process.on('message', (run: LoadRun) => {
  void runLoad(run).then((answers) => process.send?.(answers))
})
process.on('disconnect', () => process.exit(0))
