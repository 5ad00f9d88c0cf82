/** A server under test, as the benchmark sees it. */
import { createServer, type AddressInfo } from 'node:net'

export interface Side {
  url: string
  key: string | null
  model: string
  /** The process whose tree is measured. */
  pid: number
  /** In words, for the report: flags or settings. */
  settings: string
  /** Forgets the event loop's delays so far. */
  resetLoop?(): Promise<void>
  /** Of the process that speaks HTTP, since the last reset; milliseconds. */
  loopDelayP99?(): Promise<number>
  /**
   * Announces the deadlines of requests, which are recognised by how their prompts begin (jobs have deadlines,
   * completions have none).
   */
  deadlines?(byPrompt: [prompt: string, deadlineMs: number][]): Promise<void>
  stop(): Promise<void>
}

/** Both sides get the same. */
export interface SideOptions {
  file: string
  slots: number
  /** Of one slot. */
  contextTokens: number
  gpu: boolean
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
