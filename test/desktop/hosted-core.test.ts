/**
 * The life of the core in its process: a start that fails in a way the owner can mend, pages that come early and again,
 * a quit at any time.
 */
import { describe, expect, it } from 'vitest'

import type { Channel } from '#contract/channel/channel.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { StokerError } from '#contract/errors.ts'
import { hostCore, type StartedCore } from '#desktop/hosted-core.ts'
import { createLog } from '#lib/log.ts'

import { FakeMessagePortMain } from '../support/fake-message-port-main.ts'
import { FakeParentPort } from '../support/fake-parent-port.ts'
import { rest } from '../support/until.ts'

const START = { t: 'start', dataDir: '/data', version: '1', resourcesDir: '/r' } as const

function hosted(start?: () => StartedCore | Promise<StartedCore>) {
  const log = createLog('test')
  log.level = 'silent'
  const parent = new FakeParentPort()
  const exits: number[] = []
  const served: Channel[] = []
  const did: string[] = []
  const core: StartedCore = {
    serve: (channel) => void served.push(channel),
    storeCloseChoice: (choice) => void did.push(choice),
    stop: async () => void did.push('stopped'),
  }
  hostCore({ parent, start: start ?? (() => core), exit: (code) => exits.push(code), log })
  const page = (): { open(): boolean } => {
    const [mine, theirs] = FakeMessagePortMain.pair()
    const channel = messagePortMainChannel(theirs)
    parent.tell({ t: 'renderer' }, [mine])
    return { open: () => channel.isOpen }
  }
  return { parent, exits, served, did, page }
}

describe('the core in its process', () => {
  it('says ready, and serves a page that came before the core', () => {
    const { parent, served, page } = hosted()
    page()
    expect(served).toHaveLength(0)
    parent.tell(START)
    expect([parent.types, served.length]).toEqual([['ready'], 1])
  })

  it('closes the channel of the page before when it connects again', async () => {
    const { parent, served, page } = hosted()
    parent.tell(START)
    const pages = [page(), page(), page()]
    await rest()
    expect([pages.map((one) => one.open()), served.map(({ isOpen }) => isOpen)]).toEqual([
      [false, false, true],
      [false, false, true],
    ])
  })

  it('tells the shell of a start that only the owner can mend, and stays to be told to quit', async () => {
    const { parent, exits } = hosted(() => {
      throw new StokerError('DATA_LOCKED', '/data is in use by another Stoker (process 7)')
    })
    parent.tell(START)
    expect([parent.said, exits]).toEqual([
      [{ t: 'failed', code: 'DATA_LOCKED', message: '/data is in use by another Stoker (process 7)' }],
      [],
    ])
    parent.tell({ t: 'quit' })
    await rest()
    expect([parent.types, exits]).toEqual([['failed', 'stopped'], [0]])
  })

  it('ends on any other failure, so that the shell tries again', () => {
    const { parent, exits } = hosted(() => {
      throw new TypeError('a bug')
    })
    parent.tell(START)
    expect([parent.said, exits]).toEqual([[], [1]])
  })

  it('stops once however often it is asked, closes the page, then exits', async () => {
    const { parent, exits, did, page } = hosted()
    parent.tell(START)
    const one = page()
    parent.tell({ t: 'quit' })
    parent.tell({ t: 'quit' })
    await rest()
    expect([did, parent.types, exits, one.open()]).toEqual([['stopped'], ['ready', 'stopped'], [0], false])
  })

  it('exits also when the core does not stop cleanly', async () => {
    const { parent, exits } = hosted(() => ({
      serve: () => undefined,
      storeCloseChoice: () => undefined,
      stop: () => Promise.reject(new Error('stuck')),
    }))
    parent.tell(START)
    parent.tell({ t: 'quit' })
    await rest()
    expect(exits).toEqual([0])
  })

  it('does not start after it was told to quit', async () => {
    let starts = 0
    const { parent, exits } = hosted(() => {
      starts += 1
      throw new Error('not now')
    })
    parent.tell({ t: 'quit' })
    parent.tell(START)
    await rest()
    expect([starts, exits]).toEqual([0, [0]])
  })

  it('serves a page that waited while its databases were brought up to date', async () => {
    const migrated = Promise.withResolvers<StartedCore>()
    const { parent, page } = hosted(() => migrated.promise)
    parent.tell(START)
    const one = page()
    await rest()
    expect([parent.types, one.open()]).toEqual([[], true])
    const served: Channel[] = []
    migrated.resolve({ serve: (channel) => void served.push(channel), storeCloseChoice() {}, async stop() {} })
    await rest()
    expect([parent.types, served.length]).toEqual([['ready'], 1])
  })

  it('quits while its databases are brought up to date, and never says ready', async () => {
    const migrated = Promise.withResolvers<StartedCore>()
    const { parent, exits } = hosted(() => migrated.promise)
    parent.tell(START)
    parent.tell({ t: 'quit' })
    await rest()
    migrated.resolve({ serve() {}, storeCloseChoice() {}, async stop() {} })
    await rest()
    expect([parent.types, exits]).toEqual([['stopped'], [0]])
  })

  it('tells the shell of a migration that only the owner can mend', async () => {
    const { parent, exits } = hosted(() => Promise.reject(new StokerError('DB_FROM_FUTURE', 'update Stoker')))
    parent.tell(START)
    await rest()
    expect([parent.types, exits]).toEqual([['failed'], []])
  })

  it('stores the owner’s choice about the tray', () => {
    const { parent, did } = hosted()
    parent.tell({ t: 'close-to-tray', choice: 'tray' })
    parent.tell(START)
    parent.tell({ t: 'close-to-tray', choice: 'quit' })
    expect(did).toEqual(['quit'])
  })
})
