/**
 * Entry of the process that reads drivers: a crash or a hang in one of them ends or stops this process and nothing else.
 * Its parent is a Node process (IPC) or Electron's main process (a MessagePort in the first message).
 */
import { childProcessChannel } from '#contract/channel/child-process.ts'
import { dieWithParent } from '#engine/host/parent-death.ts'

import type { SensorsEvent } from './sensors-protocol.ts'
import { createSensorsHost } from './sensors-host.ts'

/** Electron's MessagePortMain, as far as it is used. */
interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
  on(event: 'close', listener: () => void): void
  start(): void
}
interface ParentPort {
  once(event: 'message', listener: (event: { ports: Port[] }) => void): void
}

const exit = (): void => process.exit(0)

function serve(send: (event: SensorsEvent) => void): (message: unknown) => void {
  const host = createSensorsHost({ send, exit, mono: () => performance.now(), platform: process.platform })
  send({ t: 'ready', pid: process.pid })
  return (message) => host.handle(message)
}

const parent = (process as unknown as { parentPort?: ParentPort }).parentPort
if (parent !== undefined)
  parent.once('message', ({ ports: [port] }) => {
    if (port === undefined) return exit()
    const handle = serve((event) => port.postMessage(event))
    port.on('message', ({ data }) => handle(data))
    port.on('close', exit)
    port.start()
  })
else if (process.send !== undefined) {
  dieWithParent(exit)
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined)
  const channel = childProcessChannel<SensorsEvent>(process)
  channel.onClose(exit)
  channel.onMessage(serve((event) => channel.isOpen && channel.send(event)))
} else {
  process.stderr.write('The process that reads drivers is started by Stoker, not by hand.\n')
  process.exit(2)
}
