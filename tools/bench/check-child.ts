/** `stoker ledger check` as a process that says at its end what it took: the last line on standard error is JSON. */
import '#words/install-english.ts'

import { runCli } from '#cli/program.ts'

const [, , folder = ''] = process.argv
const startedAt = performance.now()
process.exitCode = await runCli([process.execPath, 'stoker', 'ledger', 'check', '--json', '--data', folder])
/** Kilobytes, whatever the platform (Node's documentation of process.resourceUsage). */
const { maxRSS } = process.resourceUsage()
process.stderr.write(`${JSON.stringify({ ms: performance.now() - startedAt, peakMb: maxRSS / 1_024 })}\n`)
