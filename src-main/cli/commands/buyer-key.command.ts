/** `stoker buyer-key`: a key with which anyone buys on the practice exchange. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { InvalidArgumentError, type Command } from 'commander'

import { fail } from '#contract/errors.ts'

import { exchangeDirOf, findExchange } from '../exchange-admin.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { printJson, printLine } from '../output.ts'

const NAME_MAX = 80

function buyerName(text: string): string {
  if (text.length < 1 || text.length > NAME_MAX)
    throw new InvalidArgumentError(`A name has 1 to ${NAME_MAX} characters.`)
  return text
}

/** Asks the running exchange, else takes its folder for a moment. */
async function makeKey(dir: string, name: string): Promise<string> {
  const running = await findExchange(dir)
  if (running !== null) return running.makeBuyerKey(name)
  const folder = exchangeDirOf(dir)
  if (!existsSync(join(folder, 'exchange.db'))) throw fail('exchangeAdmin.noExchange', { dir })
  const { createBuyerKeyOffline } = await import('#exchange-server/offline-books.ts')
  return createBuyerKeyOffline(folder, { name }).key
}

export function addBuyerKey(program: Command): void {
  program
    .command('buyer-key')
    .description('make and print a buyer’s key (with practice credit) for the exchange of a data folder')
    .option(...DATA_OPTION)
    .option('--name <name>', 'who it is for', buyerName, 'buyer')
    .option('--json', 'print one line {"key"}')
    .action(async (options: { data: string; name: string; json?: boolean }) => {
      const key = await makeKey(resolve(options.data), options.name)
      if (options.json === true) printJson({ key })
      else printLine(key)
    })
}
