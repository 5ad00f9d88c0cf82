/**
 * Lets node-llama-cpp find CUDA builds that were fetched after the install: they lie outside node_modules, where its
 * imports do not look.
 */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { CUDA_PACKAGES, cudaFolder, projectRoot } from '../cuda.ts'

/** What lies in node_modules comes first. Exported for the test, which names another folder. */
export function findCudaIn(
  folder: string,
  names: readonly string[] = CUDA_PACKAGES.map(({ name }) => name),
): { deregister(): void } {
  const parentURL = pathToFileURL(join(folder, 'package.json')).href
  return registerHooks({
    resolve(specifier, context, next) {
      if (!names.includes(specifier)) return next(specifier, context)
      try {
        return next(specifier, context)
      } catch {
        return next(specifier, { ...context, parentURL })
      }
    },
  })
}

/** Before node-llama-cpp is asked for a GPU. */
export function findFetchedCuda(): void {
  const root = projectRoot()
  if (root !== null) findCudaIn(cudaFolder(root))
}
