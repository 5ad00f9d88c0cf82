/** Channel over Node's child-process IPC: the parent's end holds a ChildProcess, the child's end its own `process`. */
import { CHANNEL_BACKLOG_MAX, ChannelClosedError, type Channel } from '#contract/channel/channel.ts'

/** What both ends have in common. */
interface IpcEnd {
  readonly connected: boolean
  disconnect(): void
  on(event: 'disconnect', listener: () => void): unknown
  on(event: 'message', listener: (message: unknown) => void): unknown
  send?: ((message: object, handle: undefined, options: undefined, sent: () => void) => boolean) | undefined
}

/** Closed when the other process goes away. The caller owns the process; closing only disconnects. */
export function ipcChannel(end: IpcEnd): Channel {
  const listeners = new Set<(message: unknown) => void>()
  const closers = new Set<(reason: string) => void>()
  let backlog: unknown[] | null = []
  let closed: string | null = end.connected ? null : 'the other process is gone'

  const finish = (reason: string): void => {
    if (closed !== null) return
    closed = reason
    for (const listener of closers) listener(reason)
    closers.clear()
  }
  const close = (reason = 'closed'): void => {
    if (closed === null && end.connected) end.disconnect()
    finish(reason)
  }
  end.on('disconnect', () => finish('the other process is gone'))
  end.on('message', (message: unknown) => {
    if (backlog === null) for (const listener of listeners) listener(message)
    else if (backlog.push(message) > CHANNEL_BACKLOG_MAX) close('too many messages before the first listener')
  })

  return {
    send(message) {
      if (closed !== null || !end.connected || end.send === undefined) throw new ChannelClosedError(closed ?? 'the other process is gone')
      // The callback takes the error of a process that died meanwhile; `disconnect` reports the same.
      end.send(message as object, undefined, undefined, () => undefined)
    },
    onMessage(listener) {
      listeners.add(listener)
      const kept = backlog ?? []
      backlog = null
      for (const message of kept) listener(message)
      return () => listeners.delete(listener)
    },
    onClose(listener) {
      if (closed !== null) listener(closed)
      else closers.add(listener)
      return () => closers.delete(listener)
    },
    close,
    get isOpen() {
      return closed === null
    },
    bufferedBytes: 0,
  }
}
