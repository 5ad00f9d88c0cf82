/**
 * The `stoker` command. Checks Node before anything native is imported: better-sqlite3 would crash a Node that is too
 * old.
 */
import '#words/install-english.ts'

import { installLastWords } from '#lib/end-in-words.ts'
import { nodeVersionProblem } from '#lib/node-version.ts'

import { begin } from './begin.ts'

begin()
installLastWords()
const problem = nodeVersionProblem()
if (problem === null) {
  const { runCli } = await import('./program.ts')
  process.exitCode = await runCli(process.argv)
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 2
}
