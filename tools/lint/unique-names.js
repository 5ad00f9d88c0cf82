/**
 * One name, one thing: no two files export a type of one name, and no two files share a basename that its folder does not
 * explain. `index.ts` is a folder's face; `contract/<domain>.ts` and `core/<domain>/<domain>.ts` are a pair by design.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'

import { repoPath, root } from './paths.js'

const ROOMS = ['src-main', 'src-renderer', 'tools', 'training']
const TYPE = /^export (?:declare )?(?:abstract )?(?:type|interface|class|enum) (\w+)/gm
const ENTRIES_MAX = 20_000

const sources = (folder) =>
  ROOMS.flatMap((room) => {
    let entries
    try {
      entries = readdirSync(join(folder, room), { recursive: true, withFileTypes: true })
    } catch {
      return []
    }
    if (entries.length > ENTRIES_MAX) throw new Error(`${room} has more than ${ENTRIES_MAX} entries`)
    return entries
      .filter((entry) => entry.isFile() && /\.(ts|tsx|js)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  })

/** Files of each name that more than one file has: exported types, and basenames. */
export function sharedNames(folder) {
  const types = new Map()
  const basenames = new Map()
  const add = (map, name, file) => map.set(name, [...(map.get(name) ?? []), file])
  for (const file of sources(folder)) {
    if (basename(file) !== 'index.ts' && !file.startsWith('src-main/contract/')) add(basenames, basename(file), file)
    for (const [, name] of readFileSync(join(folder, file), 'utf8').matchAll(TYPE)) add(types, name, file)
  }
  const shared = (map) => new Map([...map].filter(([, files]) => new Set(files).size > 1))
  return { types: shared(types), basenames: shared(basenames) }
}

let found = null

export const uniqueNamesRule = {
  create(context) {
    const file = repoPath(context.filename)
    if (!ROOMS.some((room) => file.startsWith(`${room}/`))) return {}
    found ??= sharedNames(root)
    const others = (files) => files.filter((each) => each !== file).join(', ')
    return {
      Program(node) {
        const sharers = found.basenames.get(basename(file))
        if (sharers?.includes(file))
          context.report({
            node,
            message: `${basename(file)} stands in several folders (${others(sharers)}): say what it holds`,
          })
        for (const [name, files] of found.types)
          if (files.includes(file))
            context.report({
              node,
              message: `the type ${name} is exported by ${others(files)} too: exported type names are unique`,
            })
      },
    }
  },
}
