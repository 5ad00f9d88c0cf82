/**
 * The second process of lock.test.ts: takes the lock named by its argument, reports, and keeps it until it is killed.
 */
import { acquireLock } from '#db/lock.ts'

try {
  acquireLock(process.argv[2]!)
  process.send!({ pid: process.pid })
} catch (error) {
  const { code, data, message } = error as { code: string; data: unknown; message: string }
  process.send!({ code, data, message })
}
process.on('disconnect', () => process.exit())
