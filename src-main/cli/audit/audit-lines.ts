/** What `stoker ledger check` prints: what is wrong first, then what was counted, then the verdict. */
import type { FolderAudit } from './audit-folder.ts'

export function auditLines(result: FolderAudit): string[] {
  const { ours, exchange, files } = result
  return [
    ...result.problems.map((problem) => `PROBLEM   ${problem}`),
    ...result.notCompared.map((what) => `NOT COMPARED   ${what}`),
    `Pages:    ${files.map(({ file, damage }) => `${file} ${damage === 0 ? 'whole' : 'DAMAGED'}`).join(', ')}.`,
    ours === null
      ? 'Ours:     no seller in this folder; the exchange alone was checked.'
      : `Ours:     ${ours.accounts} accounts, ${ours.transfers} transfers, ${ours.receipts} receipts re-summed; ${ours.open} jobs open.`,
    exchange === null
      ? 'Exchange: none in this folder, so nothing was compared.'
      : `Exchange: ${exchange.accounts} accounts, ${exchange.transfers} transfers, ${exchange.receipts} receipts re-summed.`,
    ...compared(result),
    verdict(result),
  ]
}

/** What was held against what; what came of it is only said where nothing is wrong. */
function compared({ ahead, problems }: FolderAudit): string[] {
  if (ahead === null) return []
  if (problems.length > 0) return ['Compared: our receipts and releases with those of the exchange, one by one.']
  return ahead.receipts + ahead.releases === 0
    ? ['Compared: the exchange holds exactly what we hold.']
    : [
        `Compared: ${ahead.receipts} receipts and ${ahead.releases} releases have not reached us yet; they come with the next connection.`,
      ]
}

function verdict({ ok, problems, files }: FolderAudit): string {
  if (ok) return 'Debits equal credits, receipts chain and verify, both sides agree.'
  if (files.some(({ damage }) => damage > 0))
    return 'Pages are damaged. Stop Stoker and keep a copy of the data folder before anything else.'
  return problems.length > 0
    ? 'The books do not hold. Keep a copy of the data folder before anything else.'
    : 'What was checked holds; what is named above was compared with nothing.'
}
