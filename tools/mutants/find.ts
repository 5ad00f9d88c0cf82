/**
 * Reads a source file and lists its mutants, in the order of the text. Types, strings, log lines and the texts of
 * thrown errors have none.
 */
import { parseSync, visitorKeys, type Expression, type Node, type Statement } from 'oxc-parser'

import {
  expressionChanges,
  isLogCall,
  statementChanges,
  type Change,
  type Kind,
  type NodePlace,
  type TextOf,
} from './mutators.ts'

export interface Mutant {
  /** Path from the root of the tree, with forward slashes. */
  file: string
  /** Number within the file, from 0. */
  n: number
  line: number
  /** The function or method around it; empty at the top of the file. */
  within: string
  kind: Kind
  /** The text that changes, with single blanks. */
  code: string
  /** What it becomes; empty for a statement that is left out. */
  becomes: string
  /** From 1; counts mutants of one file that read the same. */
  nth: number
}
/** A mutant's name in every list: its text, so that it may move to another line. */
export const nameOf = ({
  file,
  within,
  code,
  becomes,
  nth,
}: Pick<Mutant, 'file' | 'within' | 'code' | 'becomes' | 'nth'>): string =>
  JSON.stringify([file, within, code, becomes, nth])

/** A node that is rewritten; `statement` can stand only where a statement can. Outer nodes come before inner ones. */
export interface Site {
  start: number
  end: number
  statement: boolean
  changes: readonly (Change & { n: number })[]
}
export interface Found {
  mutants: Mutant[]
  sites: Site[]
}

type AnyNode = Node & Record<string, unknown>
const NAMED = new Set([
  'FunctionDeclaration',
  'MethodDefinition',
  'PropertyDefinition',
  'VariableDeclarator',
  'Property',
])
const STATEMENTS = new Set([
  'ExpressionStatement',
  'ThrowStatement',
  'BreakStatement',
  'ContinueStatement',
  'ReturnStatement',
])
/** Wrappers that only speak to the type checker. */
const CASTS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression'])
/** Code that is no expression of its own, though it looks like one. */
const NOT_MUTATED = new Set(['ImportDeclaration', 'ThrowStatement'])

const tidy = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
const isFunction = (node: unknown): boolean =>
  typeof node === 'object' && node !== null && 'type' in node && /Function/.test(String(node.type))

/** Name of the function that a node gives a name to, or null. */
function functionName(node: AnyNode, text: TextOf): string | null {
  if (!NAMED.has(node.type)) return null
  const [name, value] =
    node.type === 'FunctionDeclaration'
      ? [node['id'], node]
      : node.type === 'VariableDeclarator'
        ? [node['id'], node['init']]
        : [node['key'], node['value']]
  if (!isFunction(value) || typeof name !== 'object' || name === null) return null
  return 'name' in name ? String(name.name) : text(name as Node)
}

/** How the children of a node stand. */
function placeOf(node: AnyNode, key: string, place: NodePlace): NodePlace {
  if (key === 'test' && (node.type === 'IfStatement' || node.type === 'ConditionalExpression')) return 'test'
  if (key === 'test' && /^(For|While|DoWhile)Statement$/.test(node.type)) return 'loop'
  if (node.type === 'LogicalExpression' && node['operator'] !== '??') return 'operand'
  return node.type === 'ParenthesizedExpression' && place === 'operand' ? 'operand' : 'other'
}

const onlyStatement = (node: Statement): Statement =>
  node.type === 'BlockStatement' && node.body.length === 1 ? (node.body[0] ?? node) : node

class Finder {
  readonly found: Found = { mutants: [], sites: [] }
  readonly #file: string
  readonly #source: string
  readonly #lineStarts: number[]
  readonly #seen = new Map<string, number>()
  /** All that an `if` without `else` does: leaving it out is the condition forced to false. */
  readonly #alone = new Set<Node>()

  constructor(file: string, source: string) {
    this.#file = file
    this.#source = source
    this.#lineStarts = [0, ...[...source.matchAll(/\n/g)].map((match) => match.index + 1)]
  }

  readonly #text: TextOf = ({ start, end }) => this.#source.slice(start, end)

  visit(node: AnyNode, place: NodePlace, within: string): void {
    if (node.type.startsWith('TS') && !CASTS.has(node.type)) return
    if (isLogCall(node, this.#text)) return
    const name = functionName(node, this.#text) ?? within
    if (node.type === 'IfStatement' && node.alternate === null) this.#alone.add(onlyStatement(node.consequent))
    if (STATEMENTS.has(node.type))
      this.#add(node, true, statementChanges(node as Statement, this.#alone.has(node), this.#text), name)
    else this.#add(node, false, expressionChanges(node as Expression, place, this.#text), name)
    if (NOT_MUTATED.has(node.type)) return
    for (const key of visitorKeys[node.type] ?? []) {
      const child = node[key]
      for (const each of Array.isArray(child) ? child : [child])
        if (each !== null && typeof each === 'object' && 'type' in each)
          this.visit(each as AnyNode, placeOf(node, key, place), name)
    }
  }

  #add(node: Node, statement: boolean, changes: Change[], within: string): void {
    if (changes.length === 0 && !statement) return
    const { mutants, sites } = this.found
    const numbered = changes.map((change, index) => ({ ...change, n: mutants.length + index }))
    for (const { kind, becomes, n } of numbered) {
      const shown = { within, code: tidy(this.#text(node)), becomes: tidy(becomes) }
      const same = JSON.stringify(shown)
      const nth = (this.#seen.get(same) ?? 0) + 1
      this.#seen.set(same, nth)
      mutants.push({
        file: this.#file,
        n,
        line: this.#lineStarts.findLastIndex((start) => start <= node.start) + 1,
        kind,
        ...shown,
        nth,
      })
    }
    sites.push({ start: node.start, end: node.end, statement, changes: numbered })
  }
}

/** Lists the mutants of a source. Error: the file does not parse. */
export function findMutants(file: string, source: string): Found {
  const { program, errors } = parseSync(file, source, { lang: 'ts', sourceType: 'module' })
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message}`)
  const finder = new Finder(file, source)
  finder.visit(program as unknown as AnyNode, 'other', '')
  return finder.found
}
