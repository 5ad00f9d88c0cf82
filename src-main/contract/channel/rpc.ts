/**
 * One RPC mechanism over every Channel: a channel in the shape of a port that oRPC's message-port link and handler
 * take. oRPC drops the promises of its port callbacks, so nothing may throw in there: what is malformed closes the
 * channel instead of ending the process.
 */
import { ChannelClosedError, type Channel } from './channel.ts'

export interface RpcPort {
  onMessage: { addListener(listener: (message: unknown) => void): void }
  onDisconnect: { addListener(listener: () => void): void }
  postMessage(message: unknown): void
}

const ID_MAX = 64
const PATH_MAX = 512

/**
 * `side` client: a call on a closed channel rejects. `side` server: sending never throws.
 * Both exchange oRPC's JSON text (not its binary form: files do not travel in calls) and parse it here, once.
 */
export function channelAsPort(channel: Channel, side: 'client' | 'server' = 'client'): RpcPort {
  return {
    onMessage: {
      addListener: (listener) =>
        void channel.onMessage((text) => {
          const message = side === 'server' ? requestIn(text) : responseIn(text)
          if (message === null) channel.close('a message was not a well-formed call')
          else listener(message)
        }),
    },
    onDisconnect: { addListener: (listener) => void channel.onClose(() => listener()) },
    postMessage(message) {
      try {
        if (typeof message !== 'string') throw new TypeError('files do not travel in calls')
        channel.send(message)
      } catch (error) {
        // A stream's abort or a server's answer that finds the channel closed is no failure: the other side has
        // noticed.
        if (side === 'client' && (!(error instanceof ChannelClosedError) || isCall(message))) throw error
        if (!(error instanceof ChannelClosedError))
          channel.close(error instanceof Error ? error.message : 'an answer could not be sent')
      }
    },
  }
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** oRPC's peer messages: i id, t type (absent 1 or 2: call or answer; 3 event; 4 abort), p payload. */
function parse(text: unknown): Fields | null {
  if (typeof text !== 'string') return null
  try {
    const message: unknown = JSON.parse(text)
    return isFields(message) && typeof message['i'] === 'string' && message['i'].length <= ID_MAX ? message : null
  } catch {
    return null
  }
}

/** A call's payload: u path, m method, h headers, b body. Calls carry no streams and no headers of their own. */
function requestIn(text: unknown): Fields | null {
  const message = parse(text)
  if (message === null || message['t'] === 4) return message
  const call = message['p']
  if (message['t'] !== undefined || !isFields(call)) return null
  const { u, m, b } = call
  if (typeof u !== 'string' || !isPath(u) || (m !== undefined && m !== 'POST')) return null
  return { i: message['i'], p: { u, b } }
}

/** Letters, digits, slashes and the few signs of a procedure's name: nothing to decode, nothing to resolve. */
const isPath = (path: string): boolean => path.length <= PATH_MAX && /^(\/[A-Za-z0-9_-]+)+$/.test(path)

/** An answer's payload: s status, h headers, b body. An event's: e kind, d data, m meta. */
function responseIn(text: unknown): Fields | null {
  const message = parse(text)
  if (message === null || message['t'] === 4) return message
  return (message['t'] === undefined || message['t'] === 3) && isFields(message['p']) ? message : null
}

const isCall = (message: unknown): boolean => parse(message)?.['t'] === undefined
