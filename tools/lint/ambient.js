/** Time, ids and randomness come in: the ambient ones are refused where import-table.json says so. */
import { readData, repoPath } from './paths.js'

const { files, except, members, calls } = readData('import-table.json').globals

export const ambientRule = {
  create(context) {
    const file = repoPath(context.filename)
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
