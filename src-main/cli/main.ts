/**
 * The `stoker` command. Checks Node before anything native is imported: better-sqlite3 would crash a Node that is too
 * old.
 */
import '#words/install-english.ts'

import { installLastWords } from '#lib/last-words.ts'
import { nodeVersionProblem } from '#lib/node-version.ts'

// A reader that has seen enough (`stoker exam items … | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

installLastWords()
const problem = nodeVersionProblem()
if (problem === null) {
  const { runCli } = await import('./program.ts')
  process.exitCode = await runCli(process.argv)
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 2
}
