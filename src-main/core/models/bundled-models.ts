/** The models that come with Stoker: registered at start, with the card that says how each was made. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { CoreContext } from '#core/core-context.ts'

import { importModel, type ImportContext } from './import-model.ts'
import { stampOf } from './model-files.ts'
import { filesState } from './models.ts'
import { listModels, markBundled } from './models.store.ts'

const BUNDLED_MAX = 32
const CARD_BYTES_MAX = 65_536

export type BundledContext = ImportContext & Pick<CoreContext, 'log' | 'bundledModelsDir'>

async function cardOf(ggufPath: string): Promise<string | null> {
  const file = await open(ggufPath.replace(/\.gguf$/i, '.md'), 'r').catch(() => null)
  if (file === null) return null
  try {
    const text = Buffer.alloc(CARD_BYTES_MAX)
    const { bytesRead } = await file.read(text, 0, CARD_BYTES_MAX, 0)
    return text.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Registers what is not known yet; a file known by its stamp costs no hashing and starts no engine. One bad file does
 * not keep out the next.
 */
export async function registerBundled(context: BundledContext, signal: AbortSignal): Promise<void> {
  const names = await readdir(context.bundledModelsDir).catch(() => [])
  for (const name of names
    .filter((name) => /\.gguf$/i.test(name))
    .sort()
    .slice(0, BUNDLED_MAX)) {
    if (signal.aborted) return
    const path = join(context.bundledModelsDir, name)
    try {
      const [card, stamp] = await Promise.all([cardOf(path), stampOf(path)])
      const known = listModels(context.rigDb.read).find((model) => model.path === path)
      if (known !== undefined && filesState(known.parts, [stamp]) === 'ready') {
        if (known.bundled && known.card === card) continue
        context.rigDb.tx((db) => markBundled(db, known.sha256, card))
        context.events.changed('models')
        continue
      }
      // Only its end matters here: nobody watches the progress.
      for await (const step of importModel(context, path, { bundled: { card }, signal })) void step
    } catch (error) {
      if (!signal.aborted) context.log.warn({ err: error, file: name }, 'a bundled model could not be registered')
    }
  }
}
