/** Questions at the terminal: a yes that is typed out, and a passphrase that is not shown. */
import { closeSync, openSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { ReadStream } from 'node:tty'

import { fail } from '#contract/errors.ts'

import { note } from './output.ts'

const SECRET_BYTES_MAX = 4_096
const TYPED_MAX = 1_024
const [ENTER, LINE_FEED, CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\r', '\n', '\u0003', '\u0004', '\b', '\u007f']

export interface PassphraseOptions {
  passphraseFile?: string
  passphraseFd?: number
}
export const PASSPHRASE_FILE = [
  '--passphrase-file <file>',
  'read the passphrase from the first line of a file',
] as const
export const PASSPHRASE_FD = [
  '--passphrase-fd <n>',
  'read it from an open file descriptor (0 is standard input)',
] as const

/**
 * The passphrase from a file, a descriptor or the terminal, never from the arguments, which every program of the machine
 * can read. `twice` asks again to be sure. Errors: BAD_REQUEST without any of them, or when the two differ.
 */
export async function readPassphrase(options: PassphraseOptions, { twice }: { twice: boolean }): Promise<string> {
  if (options.passphraseFile !== undefined) return firstLine(openForSecret(options.passphraseFile), true)
  if (options.passphraseFd !== undefined) return firstLine(options.passphraseFd, false)
  if (!process.stdin.isTTY) throw fail('key.noPassphrase')
  const given = await askHidden(process.stdin, 'Passphrase (not shown): ')
  if (twice && (await askHidden(process.stdin, 'The same again: ')) !== given) throw fail('key.passphrasesDiffer')
  return given
}

function openForSecret(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw fail('key.passphraseUnreadable', { path, error: codeOf(error) }, { cause: error })
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'

function firstLine(file: number, close: boolean): string {
  const buffer = Buffer.alloc(SECRET_BYTES_MAX)
  try {
    let length = 0
    for (let read = 1; read > 0 && length < SECRET_BYTES_MAX && !buffer.subarray(0, length).includes(LINE_FEED);) {
      read = readSync(file, buffer, length, SECRET_BYTES_MAX - length, null)
      length += read
    }
    return buffer.subarray(0, length).toString('utf8').split('\n')[0]!.replace(/\r$/, '')
  } catch (error) {
    throw fail('key.passphraseUnreadable', { path: `file descriptor ${file}`, error: codeOf(error) }, { cause: error })
  } finally {
    buffer.fill(0)
    if (close) closeSync(file)
  }
}

/** Reads a line with the terminal's echo off. Error: CANCELLED at Ctrl+C or Ctrl+D. */
export function askHidden(
  terminal: Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>,
  question: string,
) {
  return new Promise<string>((resolve, reject) => {
    process.stderr.write(question)
    terminal.setRawMode(true)
    let typed = ''
    const end = (settle: () => void): void => {
      terminal.off('data', onData)
      terminal.setRawMode(false)
      terminal.pause()
      process.stderr.write('\n')
      settle()
    }
    const onData = (data: Buffer): void => {
      for (const character of data.toString('utf8')) {
        if (character === ENTER || character === LINE_FEED) return end(() => resolve(typed))
        if (character === CTRL_C || character === CTRL_D) return end(() => reject(fail('ask.cancelled')))
        if (character === BACKSPACE || character === DELETE) typed = typed.replace(/.$/su, '')
        else if (typed.length < TYPED_MAX) typed += character
      }
    }
    terminal.on('data', onData)
    terminal.resume()
  })
}

/**
 * True when the owner types `yes`, or gave --yes. Without a terminal nobody can be asked: that is a BAD_REQUEST which
 * names --yes.
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes === true) return true
  if (!process.stdin.isTTY) throw fail('ask.needsYes')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} Type yes to go on: `)
    if (answer.trim().toLowerCase() === 'yes') return true
    note('Nothing was changed.')
    return false
  } finally {
    lines.close()
  }
}
