/**
 * Process entry of the exchange: forked by a Stoker (tells its parent where it listens, ends with it), or started by
 * hand.
 */
import '#words/install-english.ts'

import { parseArgs } from 'node:util'

import type { ChildWord } from '#contract/host.ts'
import { busyNoMore, busyWith, pulse } from '#lib/child-words.ts'
import { switchOffCoreDumps } from '#lib/core-dumps.ts'
import { endInWords, installLastWords } from '#lib/end-in-words.ts'
import { EXITS } from '#lib/exit-codes.ts'
import { nodeVersionProblem } from '#lib/node-version.ts'
import { giveBackAtRest } from '#lib/rest-memory.ts'
import { systemClock } from '#lib/system-clock.ts'

const problem = nodeVersionProblem()
if (problem !== null) {
  process.stderr.write(`${problem}\n`)
  process.exit(EXITS.usage.exit)
}
switchOffCoreDumps()

const { values } = parseArgs({
  options: {
    /** The exchange's own folder (DIR/exchange). */
    data: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    /** Where that port is taken, any free one. */
    'or-any-port': { type: 'boolean', default: false },
    /** The option by which the owner named it. */
    'port-option': { type: 'string', default: '--port' },
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
    orAnyPort: values['or-any-port'],
    portOption: values['port-option'],
    allowHosts: values['allow-host'],
    practiceBuyer: !values['no-practice-buyer'],
    virtualClock: values['virtual-clock'],
    terms: { deadlineFactor: Number(values['deadline-factor']) },
    ...(values['exam-seed'] === undefined ? {} : { examSeed: values['exam-seed'] }),
    ...(values.seed === undefined ? {} : { seed: values.seed }),
    onDamage: (damage) => endInWords(damage),
    onProgress(progress) {
      migrated = true
      const line = progressLine(progress)
      if (process.send === undefined) process.stderr.write(`${line}\n`)
      else tell(busyWith(progress.step === 'checking' ? 'checking' : 'migrating', line))
    },
  })
  if (migrated) tell(busyNoMore)
  const stopping = new AbortController()
  const stop = (): void => {
    stopping.abort()
    exchange.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  void giveBackAtRest(systemClock, stopping.signal)
  process.once('SIGTERM', stop)
  // Ctrl+C in a terminal, and its end, reach every process of the group; where there is a parent, it decides when this
  // one ends.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => (process.send === undefined ? stop() : undefined))
  process.once('disconnect', stop)
  const ready = { t: 'ready', url: exchange.url, exchangeKey: exchange.exchangeKey, pid: process.pid }
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(ready)}\n`)
  // A parent that is gone already makes this fail; then there is nobody to run for.
  else {
    process.send(ready, undefined, undefined, (error) => (error === null ? undefined : stop()))
    void pulse(systemClock, tell, stopping.signal)
  }
}

/** Tells the parent where there is one; one that is gone is noticed by the closed channel. */
function tell(word: ChildWord): void {
  process.send?.(word, undefined, undefined, () => undefined)
}

installLastWords()
main().catch((error: unknown) => endInWords(error))
