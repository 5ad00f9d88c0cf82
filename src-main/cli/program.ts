/** All commands together, and how their failures become exit codes. */
import { Command, CommanderError } from 'commander'

import { dataOption } from '#lib/data-directory.ts'
import { EXITS, exitOf } from '#lib/exit-codes.ts'
import { commandsAreFor } from '#words/words.ts'

import { addBackup } from './commands/backup.command.ts'
import { addBuyerKey } from './commands/buyer-key.command.ts'
import { addDemo } from './commands/demo.command.ts'
import { addEngine } from './commands/engine.command.ts'
import { addExam } from './commands/exam.command.ts'
import { addExchange } from './commands/exchange.command.ts'
import { addKey } from './commands/key.command.ts'
import { addLedger } from './commands/ledger.command.ts'
import { addLink } from './commands/link.command.ts'
import { addOwnUse } from './commands/own-use.command.ts'
import { addRestore } from './commands/restore.command.ts'
import { addServe } from './commands/serve.command.ts'
import { addStatus } from './commands/status.command.ts'
import { addVenue } from './commands/venue.command.ts'
import { addVerify } from './commands/verify.command.ts'
import { printError, unwrapError } from './output.ts'
import { VERSION } from './version.ts'

function buildProgram(): Command {
  const program = new Command('stoker')
  program
    .description(
      'Sell inference from your own machine. Practice until you choose otherwise: no real buyer, nothing is paid.',
    )
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
  program.addHelpText(
    'after',
    `\nExit codes:\n${Object.values(EXITS)
      .map(({ exit, means }) => `  ${exit}  ${means}`)
      .join('\n')}`,
  )
  for (const add of [
    addServe,
    addLink,
    addStatus,
    addDemo,
    addExchange,
    addBuyerKey,
    addLedger,
    addBackup,
    addRestore,
    addKey,
    addOwnUse,
    addEngine,
    addExam,
    addVenue,
    addVerify,
  ])
    add(program)
  return program
}

/** Runs one command line; resolves to the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let code: number = EXITS.ok.exit
  try {
    const program = buildProgram()
    program.hook('preAction', (_program, command) => {
      const { data } = command.opts<{ data?: unknown }>()
      if (typeof data === 'string') commandsAreFor(dataOption(data))
    })
    program.hook('postAction', () => {
      code = typeof process.exitCode === 'number' ? process.exitCode : EXITS.ok.exit
    })
    await program.parseAsync([...argv])
    return code
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXITS.ok.exit : EXITS.usage.exit
    const error = unwrapError(thrown)
    printError(error)
    return exitOf(error)
  }
}
