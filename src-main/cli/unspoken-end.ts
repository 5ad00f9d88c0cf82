/**
 * Words for an end that leaves no time for words: SIGBUS (a file that was mapped into memory is cut short, or its disk is
 * gone), a kill, no memory. A shell waits on a pipe from this process; where the pipe closes before this process has
 * ended by itself, it says so. It takes a megabyte, and never outlives us by more than that line.
 */
import { spawn } from 'node:child_process'

import { fail } from '#contract/errors.ts'

import { say } from './terminal-words.ts'

/** Nothing where there is no such shell (Windows). An end by itself takes it back. */
export function watchUnspokenEnd(folder: string): void {
  if (process.platform === 'win32') return
  const sentence = say(fail('disk.unspoken', { path: folder }).reason)
  // Of its own group: a terminal's Ctrl-C is for this process, which then ends in order.
  const shell = spawn('/bin/sh', ['-c', 'read -r _; echo "stoker: $0" >&2', sentence], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  shell.once('error', () => undefined)
  shell.stdin.once('error', () => undefined)
  shell.unref()
  process.once('exit', () => shell.kill('SIGKILL'))
}
