/** All commands together, and how their failures become exit codes. */
import { Command, CommanderError } from 'commander'

import { type ErrorCode, StokerError } from '#contract/errors.ts'

import { addBuyerKey } from './commands/buyer-key.command.ts'
import { addDemo } from './commands/demo.command.ts'
import { addEngine } from './commands/engine.command.ts'
import { addExam } from './commands/exam.command.ts'
import { addExchange } from './commands/exchange.command.ts'
import { addLedger } from './commands/ledger.command.ts'
import { addLink } from './commands/link.command.ts'
import { addOwnUse } from './commands/own-use.command.ts'
import { addServe } from './commands/serve.command.ts'
import { addStatus } from './commands/status.command.ts'
import { addVenue } from './commands/venue.command.ts'
import { addVerify } from './commands/verify.command.ts'
import { printError, unwrapError } from './output.ts'
import { VERSION } from './version.ts'

/**
 * 0 done · 1 a check failed, or Stoker itself · 2 the command was used wrongly · 3 something needed is locked, missing
 * or not running.
 */
const EXIT = { ok: 0, failed: 1, usage: 2, unavailable: 3 } as const

const EXIT_OF_CODE: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: EXIT.usage,
  NODE_VERSION: EXIT.usage,
  DATA_LOCKED: EXIT.unavailable,
  UNAVAILABLE: EXIT.unavailable,
  NOT_FOUND: EXIT.unavailable,
  UNAUTHORIZED: EXIT.unavailable,
  EXCHANGE_OFFLINE: EXIT.unavailable,
  MODEL_MISSING: EXIT.unavailable,
  DB_FROM_FUTURE: EXIT.unavailable,
  TIMEOUT: EXIT.unavailable,
}

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
    '\nExit codes: 0 done, 1 a check failed, 2 used wrongly, 3 something is locked, missing or not running.',
  )
  for (const add of [
    addServe,
    addLink,
    addStatus,
    addDemo,
    addExchange,
    addBuyerKey,
    addLedger,
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
  let code: number = EXIT.ok
  try {
    const program = buildProgram()
    program.hook('postAction', () => {
      code = typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok
    })
    await program.parseAsync([...argv])
    return code
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
    const error = unwrapError(thrown)
    printError(error)
    return error instanceof StokerError ? (EXIT_OF_CODE[error.code] ?? EXIT.failed) : EXIT.failed
  }
}
