/** Repository paths of linted files and of what they import. */
import { readFileSync } from 'node:fs'
import { dirname, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
/** The repository the plugin lies in: a copied plugin lints the copy. */
export const root = resolve(here, '../..')
const subpaths = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).imports

/** A data file beside the plugin, parsed. */
export const readData = (name) => JSON.parse(readFileSync(resolve(here, name), 'utf8'))

/** `file` (absolute) as a repository path with forward slashes. */
export const repoPath = (file) => relative(root, file).split(sep).join('/')

/** Repository path of an import, or null for a package or node: module. */
export function resolveImport(fromFile, specifier) {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(fromFile), specifier))
  for (const [key, target] of Object.entries(subpaths)) {
    const prefix = key.slice(0, -1)
    if (!specifier.startsWith(prefix)) continue
    return posix.normalize(target.slice(0, -1) + specifier.slice(prefix.length)).replace(/^\.\//, '')
  }
  return null
}
