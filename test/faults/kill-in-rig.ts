/**
 * Preloaded into the core of a rig by a fault test (`node --import`): lets kill-at-commit.ts into the exchange host that
 * it forks, which gets neither flags nor variables from the one above it. The sources know nothing of it.
 */
import childProcess, { type ForkOptions } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

import './kill-at-commit.ts'

const PRELOAD = new URL('kill-at-commit.ts', import.meta.url).href
const fork = childProcess.fork as (path: string | URL, args: readonly string[], options: ForkOptions) => unknown

childProcess.fork = ((path: string | URL, args: readonly string[], options: ForkOptions) =>
  String(path).includes('exchange-entry')
    ? fork(path, args, {
        ...options,
        execArgv: [...(options.execArgv ?? []), '--import', PRELOAD],
        env: { ...options.env, STOKER_TEST_KILL: process.env['STOKER_TEST_KILL_EXCHANGE'] },
      })
    : fork(path, args, options)) as typeof childProcess.fork
syncBuiltinESMExports()
