/**
 * `npm start`: the desktop window where it can be had, otherwise one plain line why not and a link to the same console
 * in the browser.
 */
import '#words/install-english.ts'

import { installLastWords } from '#lib/end-in-words.ts'
import { nodeVersionProblem } from '#lib/node-version.ts'

import { begin } from './begin.ts'

begin()
installLastWords()
const problem = nodeVersionProblem()
if (problem === null) {
  const { start } = await import('./start/window-or-browser.ts')
  process.exitCode = await start(process.env, process.argv.slice(2))
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 2
}
