/** A host process that a test plays: it sees what the client sends and says what the host would say. */
import type { Channel } from '#contract/channel/channel.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import type { EngineHostEvent, EngineHostRequest } from '#engine/protocol.ts'

export class FakeHost implements ForkedHost {
  readonly pid = 4_242
  readonly got: EngineHostRequest[] = []
  readonly kills: string[] = []
  alive = true
  readonly #listeners = new Set<(message: unknown) => void>()
  readonly #exits = new Set<(how: { code: number | null; signal: string | null }) => void>()
  /** What happens on each message; replaced by a test. */
  onRequest: (request: EngineHostRequest) => void = (request) => {
    if (request.t === 'load')
      this.say({
        t: 'result',
        id: request.id,
        value: {
          sha256: request.sha256 as never,
          contextTokens: request.settings.contextTokens,
          slots: request.settings.slots,
          engine: 'fake',
          device: 'fake',
        },
      })
    if (request.t === 'unload') this.say({ t: 'result', id: request.id, value: null })
    if (request.t === 'stop') this.exit()
  }

  get channel(): Channel {
    return {
      send: (message) => {
        this.got.push(message as EngineHostRequest)
        queueMicrotask(() => {
          if (this.alive) this.onRequest(message as EngineHostRequest)
        })
      },
      onMessage: (listener) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
      onClose: () => () => undefined,
      close: () => undefined,
      isOpen: this.alive,
      bufferedBytes: 0,
    }
  }

  say(event: EngineHostEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  ready(): void {
    this.say({ t: 'ready', pid: this.pid })
  }

  exit(signal: string | null = null): void {
    if (!this.alive) return
    this.alive = false
    for (const listener of this.#exits) listener({ code: null, signal })
  }

  kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): void {
    this.kills.push(signal)
    if (signal === 'SIGKILL') this.exit(signal)
  }

  onExit(listener: (how: { code: number | null; signal: string | null }) => void): void {
    this.#exits.add(listener)
  }
}
