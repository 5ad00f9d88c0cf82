/**
 * Whatever ends the process that the owner started, nothing stays behind: signals and a kill to npm, to the launcher in
 * between, to the rig itself, a terminal that is closed (rig case 14). Processes are found by the data folder in their
 * arguments and by their parents.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

import { describe, expect, it, onTestFinished } from 'vitest'

import { childrenOf, processes, type Running } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const WAIT_MS = 60_000
const NPM = process.env['npm_execpath'] ?? ''
const hasNpm = NPM.endsWith('npm-cli.js') || process.platform !== 'win32'

/** `pid` and everything below it. */
function treeOf(pid: number): Running[] {
  const below = childrenOf(pid)
  return [...below, ...below.flatMap((child) => treeOf(child.pid))]
}

interface Started {
  top: ChildProcess
  pids: number[]
  /** The process whose command line has this. */
  find(part: string): number
}

/** `npm run stoker -- serve`, up to its line; in a process group of its own, as a terminal starts it. */
async function underNpm(): Promise<Started> {
  const dir = tempDir()
  const npm = NPM.endsWith('npm-cli.js') ? [process.execPath, NPM] : ['npm']
  const args = ['run', '-s', 'stoker', '--', 'serve', '--json', '--port', '0', '--data', dir, '--no-practice-buyer']
  const [command, ...before] = npm
  const top = spawn(command!, [...before, ...args], { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  await once(createInterface({ input: top.stdout }), 'line')
  const tree = treeOf(top.pid!)
  const pids = tree.map(({ pid }) => pid)
  onTestFinished(() => {
    for (const pid of [top.pid!, ...pids]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It is gone, as it should be.
      }
    }
  })
  expect(tree.some(({ command: line }) => line.includes('exchange-entry'))).toBe(true)
  return { top, pids, find: (part) => tree.find(({ command: line }) => line.includes(part))!.pid }
}

const left = (pids: readonly number[]): string[] =>
  processes()
    .filter(({ pid }) => pids.includes(pid))
    .map(({ command }) => command)

describe('nothing stays behind', { skip: process.platform === 'win32' || !hasNpm }, () => {
  it.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'after %s to npm alone',
    async (signal) => {
      const { top, pids } = await underNpm()
      process.kill(top.pid!, signal)
      await expect.poll(() => left(pids), { timeout: WAIT_MS, interval: 100 }).toEqual([])
    },
    2 * WAIT_MS,
  )

  it.each(['SIGKILL'] as const)(
    'after %s to the rig itself',
    async (signal) => {
      const { pids, find } = await underNpm()
      process.kill(find('src-main/cli/main.ts'), signal)
      await expect.poll(() => left(pids), { timeout: WAIT_MS, interval: 100 }).toEqual([])
    },
    2 * WAIT_MS,
  )

  it.each([
    ['is closed', 'SIGHUP'],
    ['sends Ctrl-C', 'SIGINT'],
  ] as const)(
    'when the terminal %s: its whole group is told at once (%s)',
    async (_what, signal) => {
      const { top, pids } = await underNpm()
      process.kill(-top.pid!, signal)
      await expect.poll(() => left(pids), { timeout: WAIT_MS, interval: 100 }).toEqual([])
    },
    2 * WAIT_MS,
  )
})
