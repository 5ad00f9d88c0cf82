/**
 * Files that came by upload lie in DIR/models and are Stoker's own: those that are in no list any more are deleted.
 * Files elsewhere are their owner's and stay.
 */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { StokerError, type ErrorCode } from '#contract/errors.ts'
import type { CoreContext } from '#core/core-context.ts'

import { listModels } from './models.store.ts'

/**
 * What the file itself is to blame for; an engine that crashed or a file that cannot be read now says nothing about it.
 */
const REFUSED: readonly ErrorCode[] = [
  'MODEL_NOT_GGUF',
  'MODEL_EMPTY',
  'MODEL_TRUNCATED',
  'MODEL_UNSUPPORTED',
  'MODEL_TOO_BIG',
]

/** The other parts may still be on their way. */
const isOfSplit = ({ reason }: StokerError): boolean => reason.code.startsWith('gguf.split')

export interface Uploaded {
  /** Deletes the file when it was uploaded and no stored model is in it. Never throws. */
  drop(path: string): Promise<void>
  /** Drops the file when the error refuses it for what it is; throws the error again. */
  refused(path: string, error: unknown): Promise<never>
}

export function createUploaded({ dataDir, rigDb, log }: Pick<CoreContext, 'dataDir' | 'rigDb' | 'log'>): Uploaded {
  const isListed = (path: string): boolean =>
    listModels(rigDb.read).some(({ parts }) => parts.some((part) => part.path === path))
  const drop = async (path: string): Promise<void> => {
    if (dirname(path) !== join(dataDir, 'models') || isListed(path)) return
    await rm(path, { force: true }).catch((error: unknown) =>
      log.warn({ err: error }, 'an uploaded file that is not needed could not be deleted'),
    )
  }
  return {
    drop,
    async refused(path, error) {
      if (error instanceof StokerError && REFUSED.includes(error.code) && !isOfSplit(error)) await drop(path)
      throw error
    },
  }
}
