/**
 * What `npm start` makes of a window that comes, one that does not, and one that is there already; a script plays
 * Electron's binary.
 */
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { runWindow } from '#cli/start/run-window.ts'
import { tempDir } from '#test/support/temp-dir.ts'

function window(script: string, silenceMs = 20_000) {
  const root = tempDir()
  const binary = join(root, 'electron')
  writeFileSync(binary, `#!${process.execPath}\n${script}`)
  chmodSync(binary, 0o700)
  const said: string[] = []
  return {
    root,
    said,
    run: () => runWindow({ binary, root, env: process.env, silenceMs, say: (line) => said.push(line) }),
  }
}
const say = (line: string): string => `process.stdout.write(${JSON.stringify(`${line}\n`)})\n`

describe.skipIf(process.platform === 'win32')('the window of npm start', () => {
  it('was there: its exit code is ours, and the folder is what it was started with', async () => {
    const { root, run } = window(
      `require('node:fs').writeFileSync('args', process.argv[2])\n${say('stoker-desktop ready')}process.exitCode = 7`,
    )
    expect([await run(), existsSync(join(root, 'args'))]).toEqual([{ started: true, code: 7 }, true])
  })

  it('is no plain Node where an editor’s terminal asks for one', async () => {
    const { root, said } = window('process.exit(process.env.ELECTRON_RUN_AS_NODE === undefined ? 0 : 9)')
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
    const attempt = await runWindow({
      binary: join(root, 'electron'),
      root,
      env,
      silenceMs: 20_000,
      say: (line) => said.push(line),
    })
    expect(attempt).toMatchObject({ why: expect.stringMatching(/exit 0/) as string })
  })

  it('is found in pieces of output', async () => {
    const { run } = window(
      "process.stdout.write('noise\\nstoker-desk')\nsetTimeout(() => process.stdout.write('top ready\\n'), 50)",
    )
    expect(await run()).toEqual({ started: true, code: 0 })
  })

  it('passes on what it says on the way, before and after the window is there', async () => {
    const { run, said } = window(
      `${say('stoker-desktop note: copying, 7 %')}${say('stoker-desktop ready')}${say('stoker-desktop note: done')}`,
    )
    expect([await run(), said]).toEqual([{ started: true, code: 0 }, ['copying, 7 %', 'done']])
  })

  it('never came: it ended before it was ready', async () => {
    expect(await window('process.exit(1)').run()).toEqual({
      started: false,
      why: 'Electron ended before its window was ready (exit 1)',
    })
  })

  it('never came: it said nothing, and is asked to end so that it ends its children', async () => {
    const { root, run } = window(
      "process.on('SIGTERM', () => { require('node:fs').writeFileSync('ended', ''); process.exit(0) })\nprocess.stdout.write('still starting')\nsetInterval(() => {}, 1000)",
      2_500,
    )
    expect([await run(), existsSync(join(root, 'ended'))]).toEqual([
      { started: false, why: 'its window was not ready within 3 s' },
      true,
    ])
  })

  it('cannot be started at all', async () => {
    const { root } = window('')
    expect(
      await runWindow({
        binary: join(root, 'missing'),
        root,
        env: process.env,
        silenceMs: 1_000,
        say: () => undefined,
      }),
    ).toMatchObject({
      started: false,
      why: expect.stringContaining('ENOENT'),
    })
  })

  it('is open already: that is no reason for the browser', async () => {
    const { run, said } = window(say('stoker-desktop raised'))
    expect([await run(), said]).toEqual([
      { started: true, code: 0 },
      ['Stoker is open already; its window was raised.'],
    ])
  })

  it('could not start its core: the reason is told, and the browser would fail the same way', async () => {
    const { run, said } = window(
      `${say('stoker-desktop failed: the folder is in use by another Stoker (process 7)')}process.exitCode = 3`,
    )
    expect([await run(), said]).toEqual([
      { started: true, code: 3 },
      ['Stoker stopped: the folder is in use by another Stoker (process 7)'],
    ])
  })
})
