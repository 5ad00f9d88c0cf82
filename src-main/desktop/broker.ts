/** Makes a channel per pair of processes and hands each end over; a reload or a restart gets a new one. */
import type { ShellReply } from '#contract/host.ts'

import type { ShellElectron, UtilityLike, WebContentsLike } from './electron-api.ts'

export const RENDERER_PORT_CHANNEL = 'stoker-port'
/** First message to an engine or exchange host; its end of the channel to the core comes with it. */
export interface ChildPortMessage {
  t: 'port'
  dataDir: string
}

export function connectRenderer(electron: ShellElectron, core: UtilityLike, page: WebContentsLike): void {
  const { port1, port2 } = electron.createPorts()
  core.postMessage({ t: 'renderer' } satisfies ShellReply, [port1])
  page.postMessage(RENDERER_PORT_CHANNEL, null, [port2])
}

export function connectChild(
  electron: ShellElectron,
  core: UtilityLike,
  child: UtilityLike,
  id: number,
  dataDir: string,
): void {
  const { port1, port2 } = electron.createPorts()
  child.postMessage({ t: 'port', dataDir } satisfies ChildPortMessage, [port1])
  core.postMessage({ t: 'forked', id, pid: child.pid ?? null } satisfies ShellReply, [port2])
}
