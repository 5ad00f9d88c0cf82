/** What the exchange learns of the engine behind a deployment. */
import type { EngineIdentity } from '#contract/supplier.ts'
import type { DeploymentFacts } from '#core/core-context.ts'
import type { LoadedModel } from '#core/engine/engine.port.ts'

/** A file by its SHA-256; remote servers by address and the model's reported name, and that nothing attests it. */
export const identityOf = (
  { sha256, remote }: Pick<DeploymentFacts, 'sha256' | 'remote'>,
  { engine, device }: Pick<LoadedModel, 'engine' | 'device'>,
): EngineIdentity =>
  remote === undefined || remote === null
    ? { kind: 'gguf', sha256, engine, device }
    : { kind: 'remote', sha256, ...remote, attested: false, engine, device }
