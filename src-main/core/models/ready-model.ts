/** A stored model whose file still is the one that was hashed. */
import { fail } from '#contract/errors.ts'
import type { ReadDb } from '#db/db-types.ts'

import type { ModelStates } from './model-states.ts'
import type { StoredModel } from './models.ts'
import { findModel } from './models.store.ts'

/** Hashes the file again where it changed. Errors: NOT_FOUND, MODEL_MISSING, MODEL_CHANGED. */
export async function readyModel(db: ReadDb, states: ModelStates, sha256: string): Promise<StoredModel> {
  const stored = findModel(db, sha256)
  if (stored === null) throw fail('model.unknown', {}, { data: { sha256 } })
  const { found, path } = await states.settle(stored)
  if (found === 'ready') return findModel(db, sha256) ?? stored
  throw fail(found === 'missing' ? 'model.fileGone' : 'model.fileReplaced', { path }, { data: { sha256, path } })
}
