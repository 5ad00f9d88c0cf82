/**
 * A Channel over a web MessagePort (renderer, browser worker, or node:worker_threads, whose port has the same face).
 */
import { createPipe } from './base.ts'
import type { Channel } from './channel.ts'

export interface WebPort {
  postMessage(message: unknown): void
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: { data?: unknown }) => void): void
  start(): void
  close(): void
}

export function webPortChannel<Out = unknown, In = unknown>(port: WebPort): Channel<Out, In> {
  const pipe = createPipe<Out, In>({
    post: (message) => port.postMessage(message),
    end: () => port.close(),
    buffered: () => 0,
  })
  port.addEventListener('message', (event) => pipe.deliver(event.data))
  port.addEventListener('messageerror', () => pipe.channel.close('a message could not be read'))
  port.addEventListener('close', () => pipe.closed('the other side closed the port'))
  port.start()
  return pipe.channel
}
