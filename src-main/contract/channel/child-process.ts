/**
 * A Channel over child-process IPC: give it the ChildProcess in the parent, and `process` in the child. Known by shape,
 * so nothing is imported.
 */
import { createPipe } from './base.ts'
import { ChannelClosedError, type Channel } from './channel.ts'

export interface IpcEnd {
  readonly connected: boolean
  send?(message: never, callback?: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
  disconnect?(): void
}

/** Throws ChannelClosedError where there is no IPC channel (a process nobody forked). */
export function childProcessChannel<Out = unknown, In = unknown>(end: IpcEnd): Channel<Out, In> {
  if (end.send === undefined || !end.connected)
    throw new ChannelClosedError('this process has no channel to its parent; it is started by Stoker, not by hand')
  /** Sent and not yet with the system: disconnecting before would drop them. */
  let leaving = 0
  let ending = false
  const disconnect = (): void => {
    if (ending && leaving === 0 && end.connected) end.disconnect?.()
  }
  const pipe = createPipe<Out, In>({
    post(message) {
      leaving += 1
      end.send!(message as never, (error) => {
        leaving -= 1
        if (error !== null) pipe.closed(`sending failed: ${error.message}`)
        disconnect()
      })
    },
    end() {
      ending = true
      disconnect()
    },
    buffered: () => 0,
  })
  end.on('message', (message) => pipe.deliver(message))
  end.on('disconnect', () => pipe.closed('the other process is gone or closed the channel'))
  return pipe.channel
}
