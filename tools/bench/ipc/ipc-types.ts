/** What bench:ipc and its child say to each other, beside the engine host's own messages. */

/** `idle`: all the work but no message. `batched`: through the host's outbox, as it is. `each`: one message a token. */
export type IpcWay = 'idle' | 'batched' | 'each'

export interface IpcOrder {
  t: 'go'
  way: IpcWay
  streams: number
  tokensPerSecond: number
  durationMs: number
}

export interface IpcReport {
  t: 'report'
  cpuMs: number
  tokens: number
}
