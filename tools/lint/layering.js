/**
 * The import table (import-table.json) as a lint rule, the ban on ambient time and randomness, and the size limits. An
 * oxlint JS plugin: it reads import strings only, resolves `#room/…` and relative ones to repository paths, and asks
 * the table.
 */
import { readFileSync } from 'node:fs'
import { dirname, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../..')
const table = JSON.parse(readFileSync(resolve(here, 'import-table.json'), 'utf8'))
const subpaths = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).imports

const slashes = (path) => path.split(sep).join('/')
const repoPath = (file) => slashes(relative(root, file))

/** Repository path of an import, or null for a package or node: module. */
export function resolveImport(fromFile, specifier) {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(fromFile), specifier))
  for (const [key, target] of Object.entries(subpaths)) {
    const prefix = key.slice(0, -1)
    if (specifier.startsWith(prefix))
      return posix.normalize(target.slice(0, -1) + specifier.slice(prefix.length)).replace(/^\.\//, '')
  }
  return null
}

const packageMatches = (pattern, name) =>
  pattern === '*' ||
  pattern === name ||
  (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))) ||
  name.startsWith(`${pattern}/`)

/** Null when `file` may import `specifier`, else the reason. Exported for the test. */
export function violation(file, specifier, typeOnly = false) {
  const rule = table.rules.find((candidate) => new RegExp(candidate.files).test(file))
  if (rule === undefined) return null
  const captured = new RegExp(rule.files).exec(file)?.[1] ?? ''
  const target = resolveImport(file, specifier)
  if (target === null) {
    if ((rule.never ?? []).some((pattern) => packageMatches(pattern, specifier)))
      return `${rule.room} must not import the package ${specifier}`
    return rule.packages.some((pattern) => packageMatches(pattern, specifier))
      ? null
      : `${rule.room} must not import ${specifier}`
  }
  const allowed = [...rule.may, ...(typeOnly ? (rule.types ?? []) : [])]
  if (allowed.some((pattern) => new RegExp(`^${pattern.replace('$1', captured)}`).test(target))) return null
  if (!typeOnly && (rule.types ?? []).some((pattern) => new RegExp(`^${pattern}`).test(target)))
    return `${rule.room} may import only types from ${target}`
  return `${rule.room} must not import ${target}`
}

const importRule = {
  create(context) {
    const file = repoPath(context.filename)
    const check = (node, typeOnly) => {
      if (node.source?.type !== 'Literal' && typeof node.source?.value !== 'string') return
      const reason = violation(file, node.source.value, typeOnly)
      if (reason !== null) context.report({ node, message: `${reason} (tools/lint/import-table.json)` })
    }
    const named = (specifiers) =>
      specifiers?.length > 0 && specifiers.every((s) => s.importKind === 'type' || s.exportKind === 'type')
    return {
      ImportDeclaration: (node) => check(node, node.importKind === 'type' || named(node.specifiers)),
      ExportNamedDeclaration: (node) =>
        node.source && check(node, node.exportKind === 'type' || named(node.specifiers)),
      ExportAllDeclaration: (node) => check(node, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, false),
    }
  },
}

const ambientRule = {
  create(context) {
    const file = repoPath(context.filename)
    const { files, except, members, calls } = table.globals
    if (!new RegExp(files).test(file) || new RegExp(except).test(file)) return {}
    const report = (node, what) =>
      context.report({ node, message: `${what} is ambient: take a Clock, an IdSource or a logger instead` })
    return {
      MemberExpression(node) {
        const name = `${node.object?.name}.${node.property?.name}`
        if (members.includes(name) || node.object?.name === 'console') report(node, name)
      },
      CallExpression(node) {
        if (calls.includes(node.callee?.name)) report(node, node.callee.name)
      },
      NewExpression(node) {
        if (node.callee?.name === 'Date' && node.arguments.length === 0) report(node, 'new Date()')
      },
    }
  },
}

export default { meta: { name: 'stoker' }, rules: { imports: importRule, ambient: ambientRule } }
