/**
 * A Channel over Electron's MessagePortMain (main process and utility processes), known by its shape: nothing here
 * imports electron.
 */
import { createPipe } from './base.ts'
import type { Channel } from './channel.ts'

export interface MainPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown; ports?: unknown }) => void): unknown
  on(event: 'close', listener: () => void): unknown
  /** Until this is called the port queues what comes. */
  start(): void
  close(): void
}

export function messagePortMainChannel<Out = unknown, In = unknown>(port: MainPort): Channel<Out, In> {
  const pipe = createPipe<Out, In>({
    post: (message) => port.postMessage(message),
    end: () => port.close(),
    buffered: () => 0,
  })
  port.on('message', ({ data }) => pipe.deliver(data))
  port.on('close', () => pipe.closed('the other side closed the port'))
  port.start()
  return pipe.channel
}
