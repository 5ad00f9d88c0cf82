/**
 * A utility process's line to the shell: what the process says is recorded, what the shell says is delivered by the
 * test.
 */
import { EventEmitter } from 'node:events'

import type { ShellReply, ShellRequest } from '#contract/host.ts'
import type { ParentPort } from '#desktop/shell-link.ts'

import type { FakeMessagePortMain } from './fake-message-port-main.ts'

export class FakeParentPort implements ParentPort {
  readonly said: ShellRequest[] = []
  readonly #events = new EventEmitter()

  postMessage(message: unknown): void {
    this.said.push(structuredClone(message) as ShellRequest)
  }

  on(event: 'message', listener: (event: { data: unknown; ports: FakeMessagePortMain[] }) => void): unknown {
    return this.#events.on(event, listener)
  }

  tell(reply: ShellReply, ports: FakeMessagePortMain[] = []): void {
    this.#events.emit('message', { data: structuredClone(reply), ports })
  }

  /** The types of what was said, in order. */
  get types(): string[] {
    return this.said.map(({ t }) => t)
  }
}
