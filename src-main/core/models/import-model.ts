/**
 * Imports one GGUF by path: header first (its errors are the clearest), then the hash of each part, then one row. The
 * files stay where they are.
 */
import { basename, isAbsolute, resolve } from 'node:path'

import { fail } from '#contract/errors.ts'
import type { CoreContext } from '#core/core-context.ts'

import { hashFiles, stampsOf, type Hashing } from './model-files.ts'
import { filesState, modelIdentity, type StoredModel } from './models.ts'
import { findModel, insertModel, markBundled, moveModel } from './models.store.ts'

export type ImportContext = Pick<CoreContext, 'rigDb' | 'clock' | 'engines' | 'events'>
export type ImportStep = Extract<Hashing, { kind: 'hashing' }> | { kind: 'stored'; model: StoredModel; files: string[] }

/**
 * Where a path typed by a person leads. Throws BAD_REQUEST for a relative one: the core's working folder means nothing
 * to its reader.
 */
export function modelPath(typed: string): string {
  const path = typed.trim().replace(/^"(.*)"$/, '$1')
  if (!isAbsolute(path) || path.includes('\0'))
    throw fail(
      'model.wholePath',
      {},
      {
        data: { path },
      },
    )
  return resolve(path)
}

/**
 * Errors: MODEL_* as engines.inspect and hashFile, CANCELLED, ENGINE_CRASHED, ENGINE_BROKEN. A known SHA-256 keeps its
 * row: dedupe.
 */
export async function* importModel(
  context: ImportContext,
  path: string,
  options: { bundled?: { card: string | null }; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ImportStep, void, void> {
  const header = await context.engines.inspect(path)
  for await (const step of hashFiles(header.parts ?? [path], options.signal)) {
    if (step.kind === 'hashing') {
      yield step
      continue
    }
    const { parts } = step
    const fresh: StoredModel = {
      sha256: modelIdentity(parts),
      path,
      fileName: basename(path),
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      parts,
      addedAt: context.clock.now(),
      bundled: options.bundled !== undefined,
      architecture: header.architecture,
      parameters: header.parameters,
      quantisation: header.quantisation,
      contextTokens: header.contextTokens,
      hasChatTemplate: header.hasChatTemplate,
      licence: header.licence,
      name: header.name,
      neededBytes: Math.round(header.memory.neededBytes),
      neededMethod: header.memory.method,
      card: options.bundled?.card ?? null,
    }
    const model = await store(context, fresh)
    context.events.changed('models')
    yield { kind: 'stored', model, files: parts.map((part) => part.path) }
  }
}

async function store(context: ImportContext, fresh: StoredModel): Promise<StoredModel> {
  const known = findModel(context.rigDb.read, fresh.sha256)
  // A copy that still is there keeps its place; a lost or overwritten one is found again here.
  const moved =
    known !== null &&
    (known.path === fresh.path ||
      filesState(known.parts, await stampsOf(known.parts.map(({ path }) => path))) !== 'ready')
  return context.rigDb.tx((db) => {
    if (findModel(db, fresh.sha256) === null) insertModel(db, fresh)
    else {
      if (moved) moveModel(db, fresh.sha256, fresh)
      if (fresh.bundled) markBundled(db, fresh.sha256, fresh.card)
    }
    return findModel(db, fresh.sha256) ?? fresh
  })
}
