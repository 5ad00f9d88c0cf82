/** What a mutant changes: for one node of the syntax tree, the texts that may stand in its place. */
import type {
  AssignmentExpression,
  BinaryExpression,
  CallExpression,
  Expression,
  LogicalExpression,
  Node,
  PrivateInExpression,
  Statement,
  UnaryExpression,
  UpdateExpression,
} from 'oxc-parser'

export type Kind = 'condition' | 'comparison' | 'arithmetic' | 'logic' | 'call' | 'jump'
export interface Change {
  kind: Kind
  /** The text that stands in the node's place; empty where a statement is left out. */
  becomes: string
}
/** Where a node stands: `test` decides a branch, `loop` whether a loop goes on, `operand` is a side of && or ||. */
export type NodePlace = 'test' | 'loop' | 'operand' | 'other'
/** Source text of a node. */
export type TextOf = (node: { start: number; end: number }) => string

const BOUNDARY: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }
const NEGATED: Record<string, string> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
}
const ARITHMETIC: Record<string, string> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
}
const LOG_CALL = /(^|[.#])log(ger)?\??\.\w+$|^console\./
/** What says `this call is only a line in a log`: neither it nor its arguments are mutated. */
export const isLogCall = (node: Node, text: TextOf): boolean =>
  node.type === 'CallExpression' && LOG_CALL.test(text(node.callee))

const bare = (node: Expression): Expression => (node.type === 'ParenthesizedExpression' ? bare(node.expression) : node)
const isText = (node: Node): boolean =>
  (node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateLiteral'
const isBoolean = (node: Expression): boolean =>
  (node.type === 'BinaryExpression' && node.operator in NEGATED) ||
  (node.type === 'LogicalExpression' && node.operator !== '??') ||
  (node.type === 'UnaryExpression' && node.operator === '!')

function ofBinary(node: BinaryExpression | PrivateInExpression, text: TextOf): Change[] {
  const [left, right] = [text(node.left), text(node.right)]
  const { operator } = node
  const swapped = (kind: Kind, by: string | undefined): Change[] =>
    by === undefined ? [] : [{ kind, becomes: `${left} ${by} ${right}` }]
  if (operator in NEGATED)
    return [...swapped('comparison', BOUNDARY[operator]), ...swapped('comparison', NEGATED[operator])]
  return isText(node.left) || isText(node.right) ? [] : swapped('arithmetic', ARITHMETIC[operator])
}

function ofLogical(node: LogicalExpression, text: TextOf): Change[] {
  if (node.operator === '??') return []
  const side = (one: Expression): string => (one.type === 'LogicalExpression' ? `(${text(one)})` : text(one))
  return [{ kind: 'logic', becomes: `${side(node.left)} ${node.operator === '&&' ? '||' : '&&'} ${side(node.right)}` }]
}

function ofUnary(node: UnaryExpression, text: TextOf): Change[] {
  if (node.operator === '!') return [{ kind: 'condition', becomes: text(node.argument) }]
  // -1 and the like are constants.
  return node.operator === '-' && node.argument.type !== 'Literal'
    ? [{ kind: 'arithmetic', becomes: text(node.argument) }]
    : []
}

function ofUpdate(node: UpdateExpression, text: TextOf): Change[] {
  const operator = node.operator === '++' ? '--' : '++'
  return [
    { kind: 'arithmetic', becomes: node.prefix ? operator + text(node.argument) : text(node.argument) + operator },
  ]
}

function ofAssignment(node: AssignmentExpression, text: TextOf): Change[] {
  const by = ARITHMETIC[node.operator]
  return by === undefined || isText(node.right)
    ? []
    : [{ kind: 'arithmetic', becomes: `${text(node.left)} ${by} ${text(node.right)}` }]
}

function ofCall(node: CallExpression, text: TextOf): Change[] {
  const callee = text(node.callee)
  const other = { 'Math.min': 'Math.max', 'Math.max': 'Math.min' }[callee]
  return other === undefined ? [] : [{ kind: 'arithmetic', becomes: other + text(node).slice(callee.length) }]
}

/** All texts that may stand in an expression's place. */
export function expressionChanges(node: Expression, place: NodePlace, text: TextOf): Change[] {
  const changes: Change[] = []
  if (node.type === 'BinaryExpression') changes.push(...ofBinary(node, text))
  else if (node.type === 'LogicalExpression') changes.push(...ofLogical(node, text))
  else if (node.type === 'UnaryExpression') changes.push(...ofUnary(node, text))
  else if (node.type === 'UpdateExpression') changes.push(...ofUpdate(node, text))
  else if (node.type === 'AssignmentExpression') changes.push(...ofAssignment(node, text))
  else if (node.type === 'CallExpression') changes.push(...ofCall(node, text))
  if (place === 'other' || node.type === 'Literal') return changes
  if (!isBoolean(node)) changes.push({ kind: 'condition', becomes: `!(${text(node)})` })
  // A loop that never ends shows nothing that one which never begins does not.
  if (place === 'test') changes.push({ kind: 'condition', becomes: 'true' })
  if (place !== 'operand') changes.push({ kind: 'condition', becomes: 'false' })
  return changes
}

/**
 * Whether a statement may be left out. `alone`: it is all that an `if` without `else` does, and the condition forced to
 * false says the same.
 */
export function statementChanges(node: Statement, alone: boolean, text: TextOf): Change[] {
  if (node.type === 'ExpressionStatement') {
    let called = bare(node.expression)
    if (called.type === 'AwaitExpression') called = bare(called.argument)
    if (called.type === 'ChainExpression') called = called.expression
    const isCall = called.type === 'CallExpression' && called.callee.type !== 'Super' && !isLogCall(called, text)
    return isCall && !alone ? [{ kind: 'call', becomes: '' }] : []
  }
  if (alone) return []
  const isJump =
    node.type === 'ThrowStatement' ||
    node.type === 'BreakStatement' ||
    node.type === 'ContinueStatement' ||
    (node.type === 'ReturnStatement' && node.argument === null)
  return isJump ? [{ kind: 'jump', becomes: '' }] : []
}
