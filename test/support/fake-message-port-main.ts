/**
 * Electron's MessagePortMain without Electron, with its real semantics: messages wait until start(), arrive one by one
 * on later turns as `{ data, ports }` structured clones; close() lets what was posted arrive first, then both ends hear
 * `close`; posting to a closed port is silent.
 */
import { EventEmitter } from 'node:events'

export class FakeMessagePortMain extends EventEmitter {
  #peer: FakeMessagePortMain | null = null
  #queue: ({ data: unknown } | 'close')[] = []
  #started = false
  #closed = false

  static pair(): [FakeMessagePortMain, FakeMessagePortMain] {
    const [one, two] = [new FakeMessagePortMain(), new FakeMessagePortMain()]
    one.#peer = two
    two.#peer = one
    return [one, two]
  }

  postMessage(message: unknown): void {
    const peer = this.#peer
    if (!this.#closed && peer !== null) peer.#arrive({ data: structuredClone(message) })
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#drain()
  }

  close(): void {
    if (this.#closed) return
    const peer = this.#peer
    if (peer !== null) peer.#arrive('close')
    this.#end()
  }

  #arrive(item: { data: unknown } | 'close'): void {
    this.#queue.push(item)
    if (this.#started && this.#queue.length === 1) this.#drain()
  }

  #drain(): void {
    setImmediate(() => {
      const item = this.#queue.shift()
      if (item === undefined || this.#closed) return
      if (item === 'close') return this.#end()
      this.emit('message', { data: item.data, ports: [] })
      if (this.#queue.length > 0) this.#drain()
    })
  }

  #end(): void {
    this.#closed = true
    this.emit('close')
  }
}
