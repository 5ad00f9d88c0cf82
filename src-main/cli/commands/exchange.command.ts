/** `stoker exchange`: the embedded exchange alone, for a club or a lab. */
import { join, resolve } from 'node:path'

import type { Command } from 'commander'

import { fail, type StokerError } from '#contract/errors.ts'
import type { MigrationProgress } from '#db/db-types.ts'
import { progressLine } from '#db/bring-up-to-date.ts'
import { isLoopback } from '#lib/host-names.ts'
import { endInWords } from '#lib/end-in-words.ts'
import { ensureDataDir } from '#server/data-dir.ts'

import { DATA_OPTION, integer } from '../shared-options.ts'
import { note, printJson, printLine, venueNote } from '../output.ts'
import { untilSignal } from '../signals.ts'

interface ExchangeCommandOptions {
  data: string
  port: number
  host: string
  allowHost: string[]
  insecureListen?: boolean
  practiceBuyer: boolean
  addressLimits: boolean
  json?: boolean
}

async function exchange(options: ExchangeCommandOptions): Promise<void> {
  const { host, port, allowHost: allowHosts, practiceBuyer, addressLimits } = options
  if (!isLoopback(host) && options.insecureListen !== true) throw fail('exchange.insecureListen', { host })
  const { startExchange } = await import('#exchange-server/exchange.ts')
  const dir = ensureDataDir(join(resolve(options.data), 'exchange'))
  const signal = untilSignal()
  const onProgress = (progress: MigrationProgress): void => note(progressLine(progress))
  const onDamage = (damage: StokerError): void => endInWords(damage)
  const running = await startExchange({
    dir,
    host,
    port,
    allowHosts,
    practiceBuyer,
    addressLimits,
    onProgress,
    onDamage,
  })
  if (options.json === true) printJson({ url: running.url, exchangeKey: running.exchangeKey, pid: process.pid })
  else {
    printLine(`The exchange listens at ${running.url} (${venueNote()}).`)
    printLine(
      `Its key, to be pinned by suppliers and buyers: ${running.exchangeKey}\nA buyer’s key: stoker buyer-key --data ${options.data}\nStop with Ctrl+C.`,
    )
  }
  if (!isLoopback(host)) note(`Warning: ${host} is served without TLS; buyers’ keys and texts can be read on the way.`)
  await signal
  await running.stop()
}

export function addExchange(program: Command): void {
  program
    .command('exchange')
    .description('run the exchange alone')
    .option(...DATA_OPTION)
    .option('--port <n>', 'port; 0 picks a free one', integer(0, 65_535), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--allow-host <name...>', 'further names it may be addressed by', [])
    .option('--insecure-listen', 'serve plain HTTP to other machines')
    .option('--no-practice-buyer', 'switch the labelled practice buyer off')
    .option('--no-address-limits', 'no bounds by address; for an exchange behind a proxy that has them')
    .option('--json', 'print one line {"url","exchangeKey","pid"}')
    .action(exchange)
}
