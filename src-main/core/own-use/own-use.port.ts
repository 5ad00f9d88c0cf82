/** The owner's own use of the engines: what the core hands to the HTTP endpoint, and what it wants of it. The endpoint lives in src-main/endpoint; it knows no ledger and no exchange. */
import type { EnginePort } from '#core/engine/engine.port.ts'

export interface OwnUseModel {
  /** What clients write as `model`: the model's name, made unique. */
  id: string
  deploymentId: string
  contextTokens: number
  /** Unix seconds. */
  created: number
  loaded: boolean
}

export interface OwnUseService {
  models(): OwnUseModel[]
  /** The engine that serves this model now; loads it when it is not in memory and nothing listed has to leave for it. Errors: NOT_FOUND, MODEL_*, ENGINE_*. */
  engine(id: string): Promise<EnginePort>
  /** A request of this model came or ended: an idle model may be unloaded. */
  used(id: string): void
}

export interface EndpointOptions {
  /** On 127.0.0.1. */
  port: number
  /** Constant time; false for anything but the owner's key. */
  accepts(key: string): boolean
  service: OwnUseService
}

export interface EndpointPort {
  /** Error UNAVAILABLE when the port is taken. */
  open(options: EndpointOptions): Promise<{ url: string; close(): Promise<void> }>
}
