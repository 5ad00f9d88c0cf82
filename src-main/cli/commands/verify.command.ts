/** `stoker verify`: checks a receipt or a transcript offline, and says what that shows and what it does not. */
import { readFileSync, statSync } from 'node:fs'

import { Command } from 'commander'

import { verifyReceipt, type Verified } from '#books/receipts.ts'
import { fail, StokerError } from '#contract/errors.ts'
import { verifyTranscript } from '#exam/transcript.ts'

import { printJson, printLine } from '../output.ts'

const FILE_BYTES_MAX = 67_108_864

interface VerifyCommandOptions {
  exchangeKey?: string
  previous?: string
  json?: boolean
}

function readText(path: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw fail('verify.tooLarge', { path, max: FILE_BYTES_MAX })
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof StokerError) throw error
    throw fail(
      'verify.unreadable',
      { path, error: (error as NodeJS.ErrnoException).code ?? 'unknown' },
      {
        cause: error,
      },
    )
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path))
  } catch (error) {
    if (error instanceof StokerError) throw error
    throw fail('verify.notJson', { path }, { cause: error })
  }
}

function report(result: Verified, json: boolean | undefined): void {
  if (json === true) printJson(result)
  else {
    for (const line of result.shown) printLine(`shown      ${line}`)
    for (const line of result.notShown) printLine(`not shown  ${line}`)
    for (const line of result.problems) printLine(`PROBLEM    ${line}`)
    printLine(result.ok ? 'It verifies.' : 'It does NOT verify.')
  }
  if (!result.ok) process.exitCode = 1
}

function verifier(
  name: string,
  description: string,
  check: (file: string, options: VerifyCommandOptions) => Verified,
): Command {
  return new Command(name)
    .description(`${description} (exit code 1 when it does not verify)`)
    .exitOverride()
    .argument('<file>', 'a JSON file')
    .option(
      '--exchange-key <key>',
      'the exchange’s public key as pinned at registration; without it the result is self-consistent only',
    )
    .option('--json', 'print one line')
    .action((file: string, options: VerifyCommandOptions) => report(check(file, options), options.json))
}

export function addVerify(program: Command): void {
  const pinned = ({ exchangeKey }: VerifyCommandOptions): { exchangeKey?: string } =>
    exchangeKey === undefined ? {} : { exchangeKey }
  const receipt = verifier('receipt', 'verify a receipt: signatures, amounts, place in the chain', (file, options) =>
    verifyReceipt(readJson(file), {
      ...pinned(options),
      ...(options.previous === undefined ? {} : { prev: readJson(options.previous) as never }),
    }),
  ).option('--previous <file>', 'the receipt before it, to check the chain')
  const transcript = verifier(
    'transcript',
    'verify an exam transcript: items, verdicts, signatures, class of evidence',
    (file, options) => verifyTranscript(readText(file), pinned(options)),
  )
  program
    .command('verify')
    .description('check a receipt or an exam transcript offline')
    .addCommand(receipt)
    .addCommand(transcript)
}
