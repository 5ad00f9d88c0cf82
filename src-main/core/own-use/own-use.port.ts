/**
 * The owner's own use of the engines: what the core hands to the HTTP endpoint, and what it wants of it. The endpoint
 * lives in src-main/endpoint; it knows no ledger and no exchange.
 */
import type { EnginePort } from '#core/engine/engine.port.ts'

export interface OwnUseModel {
  /** What clients write as `model`: the model's name, made unique. */
  id: string
  /** Tokens of prompt and answer together. */
  contextTokens: number
  /** Unix seconds. */
  created: number
  loaded: boolean
}

export interface OwnUseService {
  /** What is in memory first. */
  models(): OwnUseModel[]
  /** By its id or its file's name; null when there is none. */
  find(name: string): OwnUseModel | null
  /**
   * The engine that serves this model now; loads it when it is not in memory and nothing listed has to leave for it.
   * Errors: NOT_FOUND, FORBIDDEN (the machine was given back; final until its owner loads something), MODEL_*,
   * ENGINE_*.
   */
  engine(id: string): Promise<EnginePort>
  /** A request of this model came or ended: an idle model may be unloaded. */
  used(id: string): void
}

export interface EndpointOptions {
  /** On 127.0.0.1; 0 picks a free one. */
  port: number
  /** Constant time; false for anything but the owner's key. */
  accepts: (key: string) => boolean
  service: OwnUseService
}

export interface EndpointPort {
  /** Error UNAVAILABLE when the port is taken. */
  open(options: EndpointOptions): Promise<{ url: string; close(): Promise<void> }>
}
