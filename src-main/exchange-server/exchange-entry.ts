/**
 * Process entry of the exchange: forked by a Stoker (tells its parent where it listens, ends with it), or started by
 * hand.
 */
import '#words/install-english.ts'

import { parseArgs } from 'node:util'

import { endInWords, installLastWords } from '#lib/last-words.ts'
import { nodeVersionProblem } from '#lib/node-version.ts'

const problem = nodeVersionProblem()
if (problem !== null) {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}

const { values } = parseArgs({
  options: {
    /** The exchange's own folder (DIR/exchange). */
    data: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'allow-host': { type: 'string', multiple: true, default: [] },
    'no-practice-buyer': { type: 'boolean', default: false },
    'virtual-clock': { type: 'boolean', default: false },
    'exam-seed': { type: 'string' },
    seed: { type: 'string' },
    'deadline-factor': { type: 'string', default: '1' },
  },
})

async function main(): Promise<void> {
  const { startExchange } = await import('./exchange.ts')
  const { progressLine } = await import('#db/bring-up-to-date.ts')
  const dir = values.data
  if (dir === undefined) throw new Error('name the folder of the exchange with --data')
  let migrated = false
  const exchange = await startExchange({
    dir,
    host: values.host,
    port: Number(values.port),
    allowHosts: values['allow-host'],
    practiceBuyer: !values['no-practice-buyer'],
    virtualClock: values['virtual-clock'],
    terms: { deadlineFactor: Number(values['deadline-factor']) },
    ...(values['exam-seed'] === undefined ? {} : { examSeed: values['exam-seed'] }),
    ...(values.seed === undefined ? {} : { seed: values.seed }),
    onDamage: (damage) => endInWords(damage),
    onProgress(progress) {
      migrated = true
      tellMigrating(progressLine(progress))
    },
  })
  if (migrated) tellMigrating(null)
  const stop = (): void => {
    exchange.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  // Ctrl+C in a terminal reaches every process of the group; where there is a parent, it decides when this one ends.
  process.on('SIGINT', () => (process.send === undefined ? stop() : undefined))
  process.once('disconnect', stop)
  const ready = { t: 'ready', url: exchange.url, exchangeKey: exchange.exchangeKey, pid: process.pid }
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(ready)}\n`)
  // A parent that is gone already makes this fail; then there is nobody to run for.
  else process.send(ready, undefined, undefined, (error) => (error === null ? undefined : stop()))
}

/** A line for the owner, null once the database is up to date; a parent waits without counting the time. */
function tellMigrating(text: string | null): void {
  if (process.send !== undefined) process.send({ t: 'migrating', text }, undefined, undefined, () => undefined)
  else if (text !== null) process.stderr.write(`${text}\n`)
}

installLastWords()
main().catch((error: unknown) => endInWords(error))
