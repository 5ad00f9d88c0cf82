/** Catches: memory with prompts written to disk at a crash, and a page that says it is not when it is. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { coreLimitIn } from '#lib/core-dumps.ts'

const limits = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax stack size            8388608              unlimited            bytes     \nMax core file size        ${soft.padEnd(20)} unlimited            bytes     \n`

const hasPrlimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0

/** A shell that allows core dumps runs `script` in this checkout, and what it starts has the limit that it printed. */
function underShell(script: string, env: NodeJS.ProcessEnv = process.env): string {
  const { stdout, stderr } = spawnSync(
    '/bin/sh',
    ['-c', 'ulimit -c unlimited || exit 9; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { cwd: resolve(import.meta.dirname, '../..'), encoding: 'utf8', env },
  )
  return stdout + stderr
}
const MODULE = JSON.stringify(resolve(import.meta.dirname, '../../src-main/lib/core-dumps.ts'))

describe('core dumps', () => {
  it.each([
    ['0', 'off'],
    ['unlimited', 'on'],
    ['4096', 'on'],
  ] as const)('with a soft limit of %s are %s', (soft, said) => {
    expect(coreLimitIn(limits(soft))).toBe(said)
  })

  it('of a system that says nothing are unknown', () => {
    expect(coreLimitIn('')).toBe('unknown')
  })

  it('are switched off for this process and for what it starts', { skip: !hasPrlimit }, () => {
    const said = underShell(
      `import { coreDumps, switchOffCoreDumps } from ${MODULE}
       import { execFileSync } from 'node:child_process'
       const before = coreDumps()
       const after = switchOffCoreDumps()
       const child = execFileSync('/bin/sh', ['-c', 'ulimit -Sc; ulimit -Hc'], { encoding: 'utf8' })
       console.log(JSON.stringify([before, after, child.trim().split('\\n')]))`,
    )
    expect(JSON.parse(said)).toEqual(['on', 'off', ['0', '0']])
  })

  it('are said to be on where there is nothing to switch them off with', { skip: !hasPrlimit }, () => {
    const said = underShell(`import { switchOffCoreDumps } from ${MODULE}; console.log(switchOffCoreDumps())`, {
      PATH: '/nowhere',
    })
    expect(said.trim()).toBe('on')
  })
})
