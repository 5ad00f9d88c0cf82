/**
 * The supplier's connections between the core and the exchange host: one channel carries them one after the other, each
 * with a number, so that a frame of an ended connection is never heard by the next one. Both ends are ours and in one
 * process tree.
 */
import { createPipe, type Pipe } from '#contract/channel/base.ts'
import type { Channel } from '#contract/channel/channel.ts'

type LineFrame =
  | { t: 'greet'; n: number }
  | { t: 'text'; n: number; text: string }
  | { t: 'bye'; n: number; reason: string }

export interface SupplierLine {
  /** Opens the next connection; the one before it ends. Throws ChannelClosedError when the other process is gone. */
  dial(): Channel<string, string>
}

/** One end of the line; `onConnection` hears each connection the other end opens. */
export function supplierLine(
  channel: Channel,
  onConnection: (connection: Channel<string, string>) => void = () => undefined,
): SupplierLine {
  let current: { n: number; pipe: Pipe<string, string> } | null = null
  let last = 0

  const open = (n: number): Channel<string, string> => {
    last = n
    current?.pipe.closed('another connection took its place')
    const send = (frame: LineFrame): void => channel.send(frame)
    const pipe = createPipe<string, string>({
      post: (text) => send({ t: 'text', n, text: text as string }),
      end(reason) {
        if (channel.isOpen) send({ t: 'bye', n, reason })
      },
      buffered: () => channel.bufferedBytes,
    })
    current = { n, pipe }
    return pipe.channel
  }
  channel.onMessage((message) => {
    const frame = message as LineFrame
    if (frame.t === 'greet') {
      if (frame.n > last) onConnection(open(frame.n))
    } else if (current === null || current.n !== frame.n) return
    else if (frame.t === 'text') current.pipe.deliver(frame.text)
    else current.pipe.closed(frame.reason)
  })
  channel.onClose((reason) => current?.pipe.closed(reason))

  return {
    dial() {
      const n = last + 1
      channel.send({ t: 'greet', n } satisfies LineFrame)
      return open(n)
    },
  }
}
