/** What the demo found, as one JSON line or as lines to read. */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'

import { printJson, printLine } from '../output.ts'

export interface Score {
  verdict: string
  /** Right of asked, per limit that is judged by answers; those by the clock are under timing. */
  limits: Record<string, { right: number; of: number; verdict: string }>
}

/** Equal for equal seeds, on any machine that keeps its deadlines. Amounts are nano practice credits. */
interface Repro {
  scores: Record<string, Score>
  jobs: number
  tokensIn: number
  tokensOut: number
  grossNano: number
  feeNano: number
  heldNano: number
  availableNano: number
}

export interface DemoResult {
  repro: Repro
  /** Milliseconds, and the limits judged by the clock. */
  timing: {
    totalMs: number
    examMs: number
    jobsMs: number
    ttftP50Ms: number
    tokPerS: number
    clockLimits: Record<string, string>
  }
  power: { watts: number | null; method: string; kwh: number }
  ledgerOk: boolean
}

const UNIT = EMBEDDED_VENUE.unit
const credits = (nano: number): string => `${(nano / 10 ** UNIT.scale).toFixed(6)} ${UNIT.name}`

function printSummary({ repro, timing, power, ledgerOk }: DemoResult): void {
  printLine('\nThe whole loop, once:')
  for (const [instrument, score] of Object.entries(repro.scores)) {
    printLine(`  exam       ${instrument}: ${score.verdict}`)
    for (const [name, { right, of, verdict }] of Object.entries(score.limits))
      printLine(`             ${name}: ${right} of ${of} right, ${verdict}`)
    for (const [name, verdict] of Object.entries(timing.clockLimits)) printLine(`             ${name}: ${verdict}`)
  }
  printLine(
    `  jobs       ${repro.jobs} sold, ${repro.tokensIn} tokens in and ${repro.tokensOut} out; first token after ${Math.round(timing.ttftP50Ms)} ms (median), ${timing.tokPerS.toFixed(0)} tok/s`,
  )
  printLine(`  gross      ${credits(repro.grossNano)}`)
  printLine(`  fee        ${credits(repro.feeNano)}`)
  printLine(`  held       ${credits(repro.heldNano)}`)
  printLine(`  available  ${credits(repro.availableNano)}`)
  printLine(
    `  power      ${power.kwh.toFixed(6)} kWh (${power.method}); shown beside ${UNIT.name}, never netted against them`,
  )
  printLine(
    `  books      ${ledgerOk ? 'debits equal credits on both sides, every receipt verifies, the exchange holds what we hold' : 'DO NOT HOLD: run npm run -s stoker -- ledger check'}`,
  )
  printLine(
    `  time       ${(timing.totalMs / 1_000).toFixed(1)} s, of which the exam ${(timing.examMs / 1_000).toFixed(1)} s`,
  )
  printLine(
    '\npractice: no real buyer, nothing is paid. The exam is a smoke test that a script can pass; it shows the machinery, not intelligence.',
  )
}

export function printResult(result: DemoResult, json: boolean): void {
  if (json) printJson(result)
  else printSummary(result)
}
