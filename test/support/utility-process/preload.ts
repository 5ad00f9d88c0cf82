/**
 * Loaded before an entry (`--import`): gives a plain Node child what Electron gives a utility process, a
 * `process.parentPort` and ports that come with its messages, carried over the child's IPC. As in Electron, messages
 * wait for the first listener, a port's wait for start(), and the process does not outlive its parent. `process.send`
 * is hidden: the entry must not find out.
 */
import { EventEmitter } from 'node:events'

import type { FromChild, ToChild } from './wire.ts'

const send = process.send!.bind(process) as (message: FromChild) => boolean
const ports = new Map<number, ChildPort>()

class ChildPort extends EventEmitter {
  readonly #id: number
  #queue: { data: unknown }[] = []
  #started = false
  #closed = false

  constructor(id: number) {
    super()
    this.#id = id
    ports.set(id, this)
  }

  postMessage(data: unknown): void {
    if (!this.#closed) send({ k: 'port', id: this.#id, data })
  }

  start(): void {
    this.#started = true
    for (const { data } of this.#queue.splice(0)) this.emit('message', { data, ports: [] })
  }

  close(): void {
    if (this.#closed) return
    send({ k: 'close', id: this.#id })
    this.ended()
  }

  arrive(data: unknown): void {
    if (this.#started) this.emit('message', { data, ports: [] })
    else this.#queue.push({ data })
  }

  ended(): void {
    if (this.#closed) return
    this.#closed = true
    ports.delete(this.#id)
    this.emit('close')
  }
}

class ParentPort extends EventEmitter {
  readonly #queue: { data: unknown; ports: ChildPort[] }[] = []

  constructor() {
    super()
    this.on('newListener', (event) => {
      if (event === 'message' && this.listenerCount('message') === 0)
        setImmediate(() => this.#queue.splice(0).forEach((event) => this.emit('message', event)))
    })
  }

  postMessage(data: unknown): void {
    send({ k: 'parent', data })
  }

  arrive(event: { data: unknown; ports: ChildPort[] }): void {
    if (this.listenerCount('message') === 0) this.#queue.push(event)
    else this.emit('message', event)
  }
}

const parentPort = new ParentPort()
process.on('message', (message: ToChild) => {
  if (message.k === 'parent')
    parentPort.arrive({ data: message.data, ports: message.ports.map((id) => new ChildPort(id)) })
  else if (message.k === 'port') ports.get(message.id)?.arrive(message.data)
  else ports.get(message.id)?.ended()
})
process.on('disconnect', () => process.exit(0))
Object.defineProperty(process, 'parentPort', { value: parentPort })
Object.defineProperty(process, 'send', { value: undefined })
// What the entry forks itself (node-llama-cpp tries its binary in a child first) is an ordinary Node process.
process.execArgv = []
