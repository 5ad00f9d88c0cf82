/** `stoker own-use`: the owner's own OpenAI-compatible endpoint on 127.0.0.1. */
import { resolve } from 'node:path'

import { Command } from 'commander'

import type { OwnUse } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import { dataOption } from '#lib/data-directory.ts'

import { DATA_OPTION, integer, YES_OPTION } from '../shared-options.ts'
import { note, printJson, printLine } from '../output.ts'
import { confirm } from '../terminal-questions.ts'
import { say } from '../terminal-words.ts'
import { needOwner } from '../owner.ts'

interface Options {
  data: string
  json?: boolean
  port?: number
  yes?: boolean
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

function print({ enabled, port, url, problem, keyMadeAt }: OwnUse, dataDir: string): void {
  if (url !== null) printLine(`Own use is on. Base address for clients: ${url}`)
  else if (enabled)
    printLine(`Own use is on, and does not listen: ${problem === null ? 'it is starting' : say(problem)}`)
  else printLine(`Own use is off (port ${port} when switched on).`)
  printLine(
    keyMadeAt === null
      ? `No key yet; make one with: npm run -s stoker -- own-use key${dataOption(dataDir)}`
      : `The key was made on ${day(keyMadeAt)}; only its hash is kept.`,
  )
}

const show = (options: Options, state: OwnUse): void =>
  options.json === true ? printJson(state) : print(state, options.data)

function command(name: string, description: string, action: (options: Options) => Promise<void>): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .option(...DATA_OPTION)
    .option('--json', 'print one line')
    .action(action)
}

export function addOwnUse(program: Command): void {
  const change = async (options: Options, enabled: boolean): Promise<void> => {
    const { client } = await needOwner(resolve(options.data))
    const state = await client.app.setOwnUse({ enabled, ...(options.port === undefined ? {} : { port: options.port }) })
    show(options, state)
    if (enabled && state.url === null)
      throw fail('ownUse.notListening', { problem: state.problem ?? because('ownUse.notYet') })
  }
  program
    .command('own-use')
    .description('use the models yourself: an OpenAI-compatible endpoint on this machine, with a key')
    .addCommand(
      command('status', 'whether it listens, and where', async (options) => {
        const { client } = await needOwner(resolve(options.data))
        show(options, await client.app.ownUse())
      }),
      { isDefault: true },
    )
    .addCommand(
      command('on', 'switch it on', (options) => change(options, true)).option(
        '--port <n>',
        'port on 127.0.0.1',
        integer(1_024, 65_535),
      ),
    )
    .addCommand(command('off', 'switch it off; running answers end', (options) => change(options, false)))
    .addCommand(
      command('key', 'make a new key and print it, once; the one before stops working', async (options) => {
        const { client } = await needOwner(resolve(options.data))
        const { keyMadeAt } = await client.app.ownUse()
        if (keyMadeAt !== null) {
          note(`The key of ${day(keyMadeAt)} stops working at once: every client that has it needs the new one.`)
          if (!(await confirm('Make a new key?', options.yes))) return
        }
        const { key } = await client.app.ownUseKey()
        if (options.json === true) printJson({ key })
        else printLine(key)
      }).option(...YES_OPTION),
    )
}
