/**
 * Codes, not prose: an expected failure is made by `fail(code, params)` and its words stand in src-main/words. Refuses a
 * StokerError made by hand anywhere, and in the rooms of sentences.json a literal sentence that is thrown or given as
 * the message of an error value. A fault of the program (`new Error`) keeps its sentence.
 */
import { readData, repoPath } from './paths.js'

const { files, except, faults, errorClass, madeIn } = readData('sentences.json')

const textOf = (node) => {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node?.type === 'TemplateLiteral') return node.quasis.map((part) => part.value.cooked).join('…')
  if (node?.type === 'ConditionalExpression') return textOf(node.consequent) ?? textOf(node.alternate)
  if (node?.type === 'LogicalExpression') return textOf(node.left) ?? textOf(node.right)
  return null
}
/** Two words of letters beside each other. */
const isSentence = (node) => /\p{L} \p{L}/u.test(textOf(node) ?? '')
const property = (node, name) => node.properties.find((each) => each.key?.name === name)?.value

export const sentencesRule = {
  create(context) {
    const file = repoPath(context.filename)
    if (!file.startsWith('src-main/') || madeIn.includes(file)) return {}
    const report = (node, what) =>
      context.report({ node, message: `${what}: use fail() with a code, and write its words in src-main/words` })
    const made = {
      NewExpression(node) {
        if (node.callee?.name === errorClass) report(node, `a ${errorClass} made by hand`)
      },
    }
    if (!new RegExp(files).test(file) || new RegExp(except).test(file)) return made
    return {
      ...made,
      ThrowStatement({ argument }) {
        if (argument?.type !== 'CallExpression' && argument?.type !== 'NewExpression') return
        if (!faults.includes(argument.callee?.name) && argument.arguments.some(isSentence))
          report(argument, 'a sentence is thrown')
      },
      ObjectExpression(node) {
        const code = textOf(property(node, 'code'))
        if (code !== null && /^[A-Z_]+$/.test(code) && isSentence(property(node, 'message')))
          report(node, 'an error value holds a sentence')
      },
    }
  },
}
