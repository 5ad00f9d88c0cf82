/** The import table (import-table.json) as a lint rule. It reads import strings only, resolves them to repository paths, and asks the table. */
import { readData, repoPath, resolveImport } from './paths.js'

const table = readData('import-table.json')

const packageMatches = (pattern, name) =>
  pattern === '*' ||
  pattern === name ||
  (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))) ||
  name.startsWith(`${pattern}/`)

/** Null when `file` may import `specifier`, else the reason. */
export function violation(file, specifier, typeOnly = false) {
  const rule = table.rules.find((candidate) => new RegExp(candidate.files).test(file))
  if (rule === undefined) return null
  const target = resolveImport(file, specifier)
  if (target === null) return packageViolation(rule, specifier)
  const captured = new RegExp(rule.files).exec(file)?.[1] ?? ''
  const matches = (pattern) => new RegExp(`^${pattern.replaceAll('$1', captured)}`).test(target)
  const types = rule.types ?? []
  if ([...rule.may, ...(typeOnly ? types : [])].some(matches)) return null
  if (!typeOnly && types.some(matches)) return `${rule.room} may import only types from ${target}`
  const face = (rule.faces ?? []).find((each) => new RegExp(each.files).test(target))
  return `${rule.room} must not import ${target}${face === undefined ? '' : `: ${face.say}`}`
}

function packageViolation(rule, specifier) {
  const named = (patterns) => patterns.some((pattern) => packageMatches(pattern, specifier))
  if (named(rule.never ?? [])) return `${rule.room} must not import the package ${specifier}`
  return named(rule.packages) ? null : `${rule.room} must not import ${specifier}`
}

const areTypes = (specifiers) =>
  specifiers?.length > 0 && specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type')

export const importsRule = {
  create(context) {
    const file = repoPath(context.filename)
    const check = (node, typeOnly) => {
      if (typeof node.source?.value !== 'string') return
      const reason = violation(file, node.source.value, typeOnly)
      if (reason !== null) context.report({ node, message: `${reason} (tools/lint/import-table.json)` })
    }
    return {
      ImportDeclaration: (node) => check(node, node.importKind === 'type' || areTypes(node.specifiers)),
      ExportNamedDeclaration: (node) =>
        node.source && check(node, node.exportKind === 'type' || areTypes(node.specifiers)),
      ExportAllDeclaration: (node) => check(node, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, false),
    }
  },
}
