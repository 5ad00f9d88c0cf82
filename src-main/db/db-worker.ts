/** Entry of a thread that does one long piece of work on files, so that its process goes on meanwhile. */
import { parentPort, workerData } from 'node:worker_threads'

import { toErrorValue, StokerError } from '#contract/errors.ts'

import { checkNow } from './check-file.ts'
import { copyNow } from './copy-files.ts'
import type { DbTask, DbWorkerMessage, ProgressOf, ResultOf } from './db-task.ts'
import { migrateNow } from './migrate-file.ts'

const port = parentPort
if (port === null) throw new Error('this entry is run as a thread')
const post = (message: DbWorkerMessage): void => port.postMessage(message)
const onProgress = (progress: ProgressOf<DbTask>): void => post({ t: 'progress', progress })

function run(task: DbTask): Promise<ResultOf<DbTask>> | ResultOf<DbTask> {
  if (task.kind === 'check') return checkNow(task)
  return task.kind === 'copy' ? copyNow(task, onProgress) : migrateNow(task, onProgress)
}

try {
  post({ t: 'done', result: await run(workerData as DbTask) })
} catch (error) {
  if (error instanceof StokerError) post({ t: 'failed', error: toErrorValue(error) })
  else throw error
}
