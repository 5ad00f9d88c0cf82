/** What the core may ask of the process around it (the desktop shell or the headless server). No `if (isElectron)` in core. */
import type { EnginePort } from '#core/engine/engine.port.ts'

export interface HostPort {
  readonly mode: 'desktop' | 'headless'
  /** One supervised engine host process behind the port. */
  engine(): EnginePort
  /** A short notice to the owner, where the host can show one. */
  notify(title: string, body: string): void
}
