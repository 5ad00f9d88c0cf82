/** Entry of a thread that does one long piece of work on one file, so that its process goes on meanwhile. */
import { parentPort, workerData } from 'node:worker_threads'

import { toErrorValue, StokerError } from '#contract/errors.ts'

import { checkNow } from './check-file.ts'
import type { DbTask, DbWorkerMessage } from './db-task.ts'
import { migrateNow } from './migrate-file.ts'

const port = parentPort
if (port === null) throw new Error('this entry is run as a thread')
const post = (message: DbWorkerMessage): void => port.postMessage(message)

async function run(task: DbTask): Promise<unknown> {
  if (task.kind === 'check') return checkNow(task)
  return migrateNow(task, (progress) => post({ t: 'progress', progress }))
}

try {
  post({ t: 'done', result: await run(workerData as DbTask) })
} catch (error) {
  if (error instanceof StokerError) post({ t: 'failed', error: toErrorValue(error) })
  else throw error
}
