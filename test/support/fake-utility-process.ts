/**
 * Electron's utility processes without Electron: real Node children whose parentPort and message ports run over
 * child-process IPC.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import type { ShellElectron, UtilityLike } from '#desktop/electron-api.ts'

import { FakeElectron } from './fake-electron.ts'
import { FakeMessagePortMain } from './fake-message-port-main.ts'
import type { FromChild, ToChild } from './utility-process/wire.ts'

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'utility-process', 'preload.ts')).href

export class FakeUtilityProcess extends EventEmitter {
  readonly entry: string
  readonly #child: ChildProcess
  readonly #ports = new Map<number, FakeMessagePortMain>()
  #nextPort = 1
  #pid: number | undefined = undefined
  #early: ToChild[] | null = []
  readonly stderr: NonNullable<UtilityLike['stderr']>

  constructor(entry: string, env: NodeJS.ProcessEnv) {
    super()
    this.entry = entry
    this.#child = fork(entry, [], {
      execPath: process.execPath,
      execArgv: ['--import', PRELOAD],
      env,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.stderr = this.#child.stderr!
    this.#child.once('spawn', () => {
      this.#pid = this.#child.pid
      for (const message of this.#early ?? []) this.#send(message)
      this.#early = null
      this.emit('spawn')
    })
    this.#child.on('message', (message) => this.#onMessage(message as FromChild))
    // `close` comes after the last message and the last output, `exit` may come before them.
    this.#child.once('close', (code, signal) => {
      for (const port of this.#ports.values()) port.close()
      this.#ports.clear()
      this.emit('exit', code ?? (signal === 'SIGKILL' ? 137 : 143))
      this.#pid = undefined
    })
  }

  /** Undefined before it is there and after it ended. */
  get pid(): number | undefined {
    return this.#pid
  }

  postMessage(data: unknown, transfer: FakeMessagePortMain[] = []): void {
    this.#send({ k: 'parent', data, ports: transfer.map((port) => this.#adopt(port)) })
  }

  kill(): boolean {
    return this.#child.kill('SIGTERM')
  }

  #adopt(port: FakeMessagePortMain): number {
    const id = this.#nextPort
    this.#nextPort += 1
    this.#ports.set(id, port)
    port.on('message', ({ data }: { data: unknown }) => this.#send({ k: 'port', id, data }))
    port.on('close', () => this.#ports.delete(id) && this.#send({ k: 'close', id }))
    // After the message that brings it, which is on its way first.
    queueMicrotask(() => port.start())
    return id
  }

  #send(message: ToChild): void {
    if (this.#pid === undefined && this.#early !== null) this.#early.push(message)
    else if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #onMessage(message: FromChild): void {
    if (message.k === 'parent') this.emit('message', message.data)
    else if (message.k === 'port') this.#ports.get(message.id)?.postMessage(message.data)
    else {
      const port = this.#ports.get(message.id)
      this.#ports.delete(message.id)
      port?.close()
    }
  }
}

/** FakeElectron whose utility processes and ports are these; `further` is added to the environment of each. */
export function withProcesses(
  fake: FakeElectron,
  further: Record<string, string> = {},
): { electron: ShellElectron; forked: FakeUtilityProcess[] } {
  const forked: FakeUtilityProcess[] = []
  const electron: ShellElectron = {
    ...fake.api,
    fork(entry, _name, environment) {
      const utility = new FakeUtilityProcess(entry, { ...environment, ...further })
      forked.push(utility)
      return utility
    },
    createPorts() {
      const [port1, port2] = FakeMessagePortMain.pair()
      return { port1, port2 }
    },
    killHard: (pid) => void process.kill(pid, 'SIGKILL'),
  }
  return { electron, forked }
}
