/** Composes the seller's core: opens the databases, builds the domains, and offers one router over the whole contract. */
import type { Clock } from '#contract/time.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { IdSource } from '#lib/ids.ts'
import type { Log } from '#lib/log.ts'
import type { ContractRouterClient } from '@orpc/contract'
import type { Router } from '@orpc/server'

import type { Contract } from '#contract/index.ts'

import type { EnginePort } from './engine/engine.port.ts'
import type { ExchangePort } from './exchange/exchange.port.ts'
import type { HostPort } from './host/host.port.ts'
import type { CallContext } from './rpc.ts'

export interface CoreDeps {
  /** Already locked by the caller. */
  dataDir: string
  clock: Clock
  ids: IdSource
  log: Log
  host: HostPort
  exchange: ExchangePort
  engine: EnginePort
  signingKey: SigningKey
  version: string
  bundledModelsDir: string
}

export interface Core {
  /** Implements the contract for any oRPC transport; the transport passes a CallContext with the caller's scopes. */
  readonly router: Router<Contract, CallContext>
  /** The same procedures called in process, with all scopes. */
  readonly client: ContractRouterClient<Contract>
  /** Opens nothing new: starts the loops and connects to the exchange. */
  start(): void
  /** Stops the loops, the exchange connection and the engine, and closes the databases. Idempotent. */
  stop(): Promise<void>
}

/** Opens rig.db and practice.db under `dataDir` (migrating them). Errors: DB_FROM_FUTURE, DB_CORRUPT. */
export declare function createCore(deps: CoreDeps): Core
