/** A stored model whose file still is the one that was hashed. */
import { fail } from '#contract/errors.ts'
import type { ReadDb } from '#db/db-types.ts'

import { stampsOf } from './model-files.ts'
import type { ModelStates } from './model-states.ts'
import type { StoredModel } from './models.ts'
import { findModel } from './models.store.ts'

/** Hashes the file again where it changed. Errors: NOT_FOUND, MODEL_MISSING, MODEL_CHANGED. */
export async function readyModel(db: ReadDb, states: ModelStates, sha256: string): Promise<StoredModel> {
  const stored = findModel(db, sha256)
  if (stored === null) throw fail('model.unknown', {}, { data: { sha256 } })
  const state = await states.settle(stored)
  if (state === 'ready') return findModel(db, sha256) ?? stored
  const stamps = state === 'missing' ? await stampsOf(stored.parts.map(({ path }) => path)) : []
  const path = stored.parts[stamps.indexOf(null)]?.path ?? stored.path
  throw fail(state === 'missing' ? 'model.fileGone' : 'model.fileReplaced', { path }, { data: { sha256, path } })
}
