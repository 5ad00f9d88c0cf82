/** Supplier connections over one channel, and the sockets the adapter and the exchange see. */
import { describe, expect, it } from 'vitest'

import type { Channel } from '#contract/channel/channel.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { SocketOverChannel } from '#desktop/socket-over-channel.ts'
import { supplierLine } from '#desktop/supplier-line.ts'

import { FakeMessagePortMain } from '../support/fake-message-port-main.ts'
import { rest } from '../support/until.ts'

function line() {
  const [one, two] = FakeMessagePortMain.pair()
  const [mine, theirs] = [messagePortMainChannel(one), messagePortMainChannel(two)]
  const accepted: Channel<string, string>[] = []
  supplierLine(theirs, (connection) => accepted.push(connection))
  return { dial: supplierLine(mine).dial, accepted, mine, theirs }
}
const log = (channel: Channel<string, string>): string[] => {
  const heard: string[] = []
  channel.onMessage((text) => heard.push(text))
  channel.onClose((reason) => heard.push(`closed: ${reason}`))
  return heard
}

describe('the line between core and exchange host', () => {
  it('carries text both ways', async () => {
    const { dial, accepted } = line()
    const mine = dial()
    const heard = log(mine)
    mine.send('hello')
    await rest()
    const theirs = log(accepted[0]!)
    accepted[0]!.send('welcome')
    await rest()
    expect([heard, theirs]).toEqual([['welcome'], ['hello']])
  })

  it('ends the connection before when a new one is dialled, and lets none of its frames into the new one', async () => {
    const { dial, accepted } = line()
    const first = log(dial())
    await rest()
    const old = accepted[0]!
    const oldHeard = log(old)
    old.send('old frame on its way')
    const second = log(dial())
    await rest()
    accepted[1]!.send('new frame')
    await rest()
    expect([first, second, oldHeard, old.isOpen]).toEqual([
      ['closed: another connection took its place'],
      ['new frame'],
      ['closed: another connection took its place'],
      false,
    ])
  })

  it('tells the other end of a close, with the reason, and not of the channel’s', async () => {
    const { dial, accepted, mine } = line()
    const one = log(dial())
    await rest()
    accepted[0]!.close('refused')
    await rest()
    expect([one, mine.isOpen]).toEqual([['closed: refused'], true])
  })

  it('ends the connection when the other process is gone', async () => {
    const { dial, theirs } = line()
    const one = log(dial())
    await rest()
    theirs.close('gone')
    await rest()
    expect(one).toEqual(['closed: the other side closed the port'])
  })
})

describe('a socket over a channel', () => {
  it('opens, speaks text, and closes on a later turn with a reason', async () => {
    const { dial, accepted } = line()
    const socket = new SocketOverChannel(dial())
    const events: string[] = []
    socket.on('open', () => events.push('open'))
    socket.on('message', (data: Buffer, isBinary: boolean) => events.push(`${data.toString('utf8')} ${isBinary}`))
    socket.on('close', (code: number, reason: Buffer) => events.push(`close ${code} ${reason.toString('utf8')}`))
    expect(socket.readyState).toBe(socket.OPEN)
    await rest()
    accepted[0]!.send('grüße')
    await rest()
    socket.close(1008, 'enough')
    events.push('after close')
    socket.send('never sent')
    await rest()
    expect(events).toEqual(['open', 'grüße false', 'after close', 'close 1006 enough'])
    expect([socket.readyState === socket.OPEN, accepted[0]!.isOpen]).toEqual([false, false])
  })
})
