/**
 * Stands in for the exchange's host: says that it copies its database, and nothing more until a file `go` lies in its
 * folder.
 */
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'

const dir = process.argv[process.argv.indexOf('--data') + 1]!
const go = join(dir, 'go')

function finish(): void {
  if (!existsSync(go)) return
  watcher.close()
  process.send!({ t: 'busy', task: null, text: '' })
  if (process.argv.includes('--never-ready')) return
  process.send!({ t: 'ready', url: 'http://127.0.0.1:1', exchangeKey: 'key', pid: process.pid })
}

const watcher = watch(dir, finish)
process.once('disconnect', () => process.exit(0))
process.send!({ t: 'busy', task: 'migrating', text: 'copying 0 %' })
finish()
