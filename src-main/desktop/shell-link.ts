/** The core's line to the shell: asks for children, gets a channel to each, and hears when one ends. */
import type { Channel } from '#contract/channel/channel.ts'
import { createPipe, type Pipe } from '#contract/channel/base.ts'
import { messagePortMainChannel, type MainPort } from '#contract/channel/message-port-main.ts'
import type { HostChild, ShellReply, ShellRequest } from '#contract/host.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'

/** Electron's process.parentPort in a utility process, as far as it is used. */
export interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown; ports: MainPort[] }) => void): unknown
}

/** Messages sent to a child before its port has come. */
const WAITING_MAX = 256

type Exit = { code: number | null; signal: string | null; words: string }

class Forked implements ForkedHost {
  readonly channel: Channel
  pid: number | null = null
  readonly #kill: (hard: boolean) => void
  readonly #pipe: Pipe<unknown, unknown>
  readonly #exits = new Set<(how: Exit) => void>()
  #waiting: unknown[] = []
  #port: Channel | null = null
  #ended: Exit | null = null

  constructor(kill: (hard: boolean) => void) {
    this.#kill = kill
    this.#pipe = createPipe({
      post: (message) => this.#post(message),
      end: (reason) => this.#port?.close(reason),
      buffered: () => this.#port?.bufferedBytes ?? 0,
    })
    this.channel = this.#pipe.channel
  }

  attach(port: Channel, pid: number | null): void {
    this.pid = pid
    // Closed while the process was being started: its end hears of it, and it goes.
    if (!this.channel.isOpen || this.#port !== null) return port.close('closed before the process started')
    this.#port = port
    port.onMessage((message) => this.#pipe.deliver(message))
    port.onClose((reason) => this.#pipe.closed(reason))
    for (const message of this.#waiting.splice(0)) port.send(message)
  }

  kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): void {
    this.#kill(signal === 'SIGKILL')
  }

  onExit(listener: (how: Exit) => void): void {
    if (this.#ended === null) this.#exits.add(listener)
    else listener(this.#ended)
  }

  exited(code: number | null, words: string): void {
    if (this.#ended !== null) return
    this.#ended = { code, signal: null, words }
    this.#pipe.closed('the process ended')
    for (const listener of this.#exits) listener(this.#ended)
    this.#exits.clear()
  }

  #post(message: unknown): void {
    if (this.#port !== null) this.#port.send(message)
    else if (this.#waiting.push(message) > WAITING_MAX) {
      this.#waiting = []
      this.channel.close('too many messages before the process started')
    }
  }
}

export interface ShellLinkEvents {
  onStart(start: Extract<ShellReply, { t: 'start' }>): void
  onRenderer(channel: Channel): void
  onCloseToTray(choice: 'tray' | 'quit'): void
  onQuit(): void
}

export class ShellLink {
  readonly #parent: ParentPort
  readonly #forked = new Map<number, Forked>()
  #next = 1

  constructor(parent: ParentPort, events: ShellLinkEvents) {
    this.#parent = parent
    parent.on('message', ({ data, ports }) => this.#onReply(data as ShellReply, ports, events))
  }

  tell(request: ShellRequest): void {
    this.#parent.postMessage(request)
  }

  /**
   * Returns at once; what is sent before the process runs waits for it. `gpu`: the only one it may see; all when null.
   */
  fork(child: HostChild, gpu: number | null = null): ForkedHost {
    const id = this.#next
    this.#next += 1
    const forked = new Forked((hard) => this.tell({ t: 'kill', id, hard }))
    this.#forked.set(id, forked)
    this.tell({ t: 'fork', id, child, ...(gpu === null ? {} : { gpu }) })
    return forked
  }

  #onReply(reply: ShellReply, ports: MainPort[], events: ShellLinkEvents): void {
    const port = ports[0]
    switch (reply.t) {
      case 'start':
        return events.onStart(reply)
      case 'quit':
        return events.onQuit()
      case 'close-to-tray':
        return events.onCloseToTray(reply.choice)
      case 'renderer':
        return port === undefined ? undefined : events.onRenderer(messagePortMainChannel(port))
      case 'forked':
        return port === undefined ? undefined : this.#onForked(reply.id, messagePortMainChannel(port), reply.pid)
      case 'exited': {
        const forked = this.#forked.get(reply.id)
        this.#forked.delete(reply.id)
        return forked?.exited(reply.code, reply.words)
      }
      default:
        reply satisfies never
    }
  }

  #onForked(id: number, channel: Channel, pid: number | null): void {
    const forked = this.#forked.get(id)
    if (forked === undefined) channel.close('nobody waits for this process')
    else forked.attach(channel, pid)
  }
}
