/** Commands with arguments that are none, and commands that cost something, as their owner types them on a running rig. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startRig, stoker, type Rig } from '#test/support/rig.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const suite = temporaryFolder()
const LONG = 'x'.repeat(3_000)
const OF_NO_FOLDER = ['exam', 'verify', 'engine']
const KEY = 'A'.repeat(43)
let rig: Rig
beforeAll(async () => {
  rig = await startRig({ dir: suite.path, args: ['--no-practice-buyer'] })
}, 90_000)
afterAll(async () => {
  await rig.stop()
  suite.remove()
})

describe('a malformed argument', () => {
  it.each<[string[], number]>([
    [['ledger', 'write-off', 'AAAA'], 2],
    [['ledger', 'write-off', KEY, '--venue', '!!'], 2],
    [['venue', 'trust', 'AAAA'], 2],
    [['venue', 'keys', '--venue', ''], 2],
    [['venue', 'keys', '--venue', 'no-such-venue'], 3],
    [['venue', 'take-over', '--venue', 'NO'], 2],
    [['relist', ''], 3],
    [['relist', '{long}'], 3],
    [['buyer-key', '--name', ''], 2],
    [['buyer-key', '--name', '{long}'], 2],
    [['own-use', 'on', '--port', '80'], 2],
    [['backup', ''], 2],
    [['backup', '{long}'], 2],
    [['restore', ''], 3],
    [['restore', '{long}'], 3],
    [['key', 'import', ''], 2],
    [['key', 'export', '{dir}/out', '--passphrase-fd', '77'], 2],
    [['key', 'show', '--data', '/dev/null'], 4],
    [['serve', '--data', '{long}'], 2],
    [['status', '--data', '/dev/null'], 3],
    [['ledger', 'check', '--data', '/dev/null'], 3],
    [['verify', 'receipt', '{long}'], 2],
    [['verify', 'transcript', '/dev/null', '--exchange-key', 'AAAA'], 1],
    [['demo', '--jobs', 'x'], 2],
    [['exam', 'items', '--seed', 's', '--level', '1', '--count', '0'], 2],
    [['engine', 'add', 'x'], 2],
  ])('%j ends with %i, and one sentence without a stack', async (args, code) => {
    const filled = args.map((arg) => arg.replace('{long}', LONG).replace('{dir}', suite.path))
    const hasFolder = OF_NO_FOLDER.includes(args[0]!) || args.includes('--data')
    const result = await stoker(hasFolder ? filled : [...filled, '--data', suite.path])
    const said = `${result.stdout}${result.stderr}`.trim()
    const sentences = said.split('\n').filter((line) => !line.startsWith('(add --help'))
    expect({ code: result.code, isFault: /fault in Stoker|^\s+at /m.test(said) }).toEqual({
      code,
      isFault: false,
    })
    expect(sentences.length).toBeLessThanOrEqual(args[0] === 'verify' && code === 1 ? 2 : 1)
    expect(sentences[0]).not.toBe('')
  })
})

describe('what costs something', () => {
  it('a take-over says what, and asks: without a terminal nothing happens unless --yes is given', async () => {
    const takeOver = (...args: string[]) => stoker(['venue', 'take-over', '--data', suite.path, ...args])
    const asked = await takeOver()
    expect([asked.code, asked.stdout]).toEqual([2, ''])
    expect(asked.stderr).toMatch(/What that costs:[\s\S]+put off at once[\s\S]+--yes/)
    const done = await takeOver('--yes', '--json')
    expect([done.code, JSON.parse(done.stdout)]).toEqual([0, { asked: true }])
  })

  it('so does trust in another key of the exchange', async () => {
    const before = await stoker(['venue', 'keys', '--data', suite.path, '--json'])
    const asked = await stoker(['venue', 'trust', KEY, '--data', suite.path])
    expect([asked.code, asked.stderr.includes('--yes')]).toEqual([2, true])
    const after = await stoker(['venue', 'keys', '--data', suite.path, '--json'])
    const { pinned } = JSON.parse(before.stdout) as { pinned: string | null }
    expect(pinned).not.toBeNull()
    expect((JSON.parse(after.stdout) as { pinned: string | null }).pinned).toBe(pinned)
  })

  it('so does another key for own use where there is one', async () => {
    const first = await stoker(['own-use', 'key', '--data', suite.path])
    expect(first.code).toBe(0)
    const second = await stoker(['own-use', 'key', '--data', suite.path])
    expect([second.code, second.stderr.includes('stops working')]).toEqual([2, true])
    expect((await stoker(['own-use', 'key', '--yes', '--data', suite.path])).stdout).toMatch(/^sk-own-/)
  })
})
