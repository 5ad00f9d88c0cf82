/**
 * The core's line to the shell over doubles of Electron's ports: children that come late, end early, or are not wanted
 * any more.
 */
import { describe, expect, it } from 'vitest'

import type { Channel } from '#contract/channel/channel.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { ShellLink } from '#desktop/shell-link.ts'

import { FakeMessagePortMain } from '../support/fake-message-port-main.ts'
import { FakeParentPort } from '../support/fake-parent-port.ts'
import { rest } from '../support/until.ts'

function linked() {
  const parent = new FakeParentPort()
  const heard: unknown[] = []
  const channels: Channel[] = []
  const link = new ShellLink(parent, {
    onStart: (start) => heard.push(start.dataDir),
    onRenderer: (channel) => channels.push(channel),
    onCloseToTray: (choice) => heard.push(choice),
    onQuit: () => heard.push('quit'),
  })
  return { parent, link, heard, channels }
}

/** The other end of a forked process, hearing from its start. */
function child(port: FakeMessagePortMain): { heard: unknown[]; channel: Channel } {
  const heard: unknown[] = []
  const channel = messagePortMainChannel(port)
  channel.onMessage((message) => heard.push(message))
  channel.onClose((reason) => heard.push(`closed: ${reason}`))
  return { heard, channel }
}

describe('the line to the shell', () => {
  it('passes the shell’s words on', () => {
    const { parent, heard, channels } = linked()
    parent.tell({ t: 'start', dataDir: '/data', version: '1', resourcesDir: '/r' })
    parent.tell({ t: 'close-to-tray', choice: 'tray' })
    parent.tell({ t: 'renderer' }, [FakeMessagePortMain.pair()[0]])
    parent.tell({ t: 'quit' })
    expect([heard, channels.length]).toEqual([['/data', 'tray', 'quit'], 1])
  })

  it('keeps what is sent before the port arrives, in order, and gives the pid with it', async () => {
    const { parent, link } = linked()
    const host = link.fork('engine')
    expect(parent.said).toEqual([{ t: 'fork', id: 1, child: 'engine' }])
    host.channel.send('one')
    host.channel.send('two')
    expect(host.pid).toBeNull()
    const [core, far] = FakeMessagePortMain.pair()
    parent.tell({ t: 'forked', id: 1, pid: 42 }, [core])
    host.channel.send('three')
    const other = child(far)
    const answers: unknown[] = []
    host.channel.onMessage((message) => answers.push(message))
    other.channel.send('hello')
    await rest()
    expect([other.heard, answers, host.pid]).toEqual([['one', 'two', 'three'], ['hello'], 42])
  })

  it('tells of an end before the port arrives, once, and at once to who asks later', () => {
    const { parent, link } = linked()
    const host = link.fork('engine')
    const ends: unknown[] = []
    host.onExit((how) => ends.push(how))
    parent.tell({ t: 'exited', id: 1, code: null, words: '' })
    parent.tell({ t: 'exited', id: 1, code: 0, words: '' })
    host.onExit((how) => ends.push(how))
    expect([ends, host.channel.isOpen]).toEqual([
      [
        { code: null, signal: null, words: '' },
        { code: null, signal: null, words: '' },
      ],
      false,
    ])
    expect(() => host.channel.send('late')).toThrow(/closed/)
  })

  it('closes the port of a process that nobody waits for, so that the process ends', async () => {
    const { parent, link } = linked()
    link.fork('engine')
    parent.tell({ t: 'exited', id: 1, code: 1, words: '' })
    const [core, far] = FakeMessagePortMain.pair()
    parent.tell({ t: 'forked', id: 1, pid: 42 }, [core])
    const other = child(far)
    await rest()
    expect(other.heard).toEqual(['closed: the other side closed the port'])
  })

  it('closes the port of a process given up before it came', async () => {
    const { parent, link } = linked()
    const host = link.fork('exchange')
    host.channel.send('one')
    host.channel.close('not wanted')
    const [core, far] = FakeMessagePortMain.pair()
    parent.tell({ t: 'forked', id: 1, pid: 42 }, [core])
    const other = child(far)
    await rest()
    expect(other.heard).toEqual(['closed: the other side closed the port'])
  })

  it('gives a process up that never comes and is sent too much', () => {
    const { link } = linked()
    const host = link.fork('engine')
    expect(() => Array.from({ length: 300 }, (_, index) => host.channel.send(index))).toThrow(/too many messages/)
    expect(host.channel.isOpen).toBe(false)
  })

  it('asks the shell to kill, by id, and never uses an id twice', () => {
    const { parent, link } = linked()
    const [engine, exchange] = [link.fork('engine'), link.fork('exchange')]
    exchange.kill()
    engine.kill('SIGKILL')
    expect(parent.said.slice(2)).toEqual([
      { t: 'kill', id: 2, hard: false },
      { t: 'kill', id: 1, hard: true },
    ])
    parent.tell({ t: 'exited', id: 1, code: 137, words: '' })
    link.fork('engine')
    expect(parent.said.at(-1)).toEqual({ t: 'fork', id: 3, child: 'engine' })
    link.fork('engine', 1)
    expect(parent.said.at(-1)).toEqual({ t: 'fork', id: 4, child: 'engine', gpu: 1 })
  })

  it('closes the channel when the process ends, after its last words', async () => {
    const { parent, link } = linked()
    const host = link.fork('engine')
    const [core, far] = FakeMessagePortMain.pair()
    parent.tell({ t: 'forked', id: 1, pid: 42 }, [core])
    const heard: string[] = []
    host.channel.onMessage((message) => heard.push(message as string))
    host.channel.onClose((reason) => heard.push(reason))
    child(far).channel.send('last words')
    await rest()
    parent.tell({ t: 'exited', id: 1, code: 1, words: '' })
    expect(heard).toEqual(['last words', 'the process ended'])
  })
})
