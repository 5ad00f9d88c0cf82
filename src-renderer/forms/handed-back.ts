/** Whether there is anything to hand back, and what handing back cost, as sentences. Pure. */
import type { Listing } from '#contract/market.ts'
import type { Deployment, HandedBack } from '#contract/models.ts'
import { unitOf } from '#contract/units.ts'
import { count, decimal, gradeName, unitWord } from '#ui/format.ts'
import { duration } from '#ui/format-time.ts'

/** Something is in memory, on its way there, or offered to buyers. */
export const isServing = (
  deployments: readonly Pick<Deployment, 'state'>[],
  listings: readonly Pick<Listing, 'state'>[],
): boolean =>
  deployments.some(({ state }) => state === 'loaded' || state === 'loading') ||
  listings.some(({ state }) => state === 'listed' || state === 'waiting')

const jobs = (number: number): string => (number === 1 ? 'one job' : `${count(number)} jobs`)

/** One sentence for each thing that happened; money of each venue in its unit, never added. */
export function handedBackLines({
  tookMs,
  unloaded,
  handedOff,
  failed,
  notEarned,
  lostTokens,
  paused,
}: HandedBack): string[] {
  const money = notEarned
    .map(({ currency, sellerNano }) => {
      const unit = unitOf(currency)
      return `${decimal(sellerNano, unit)} ${unitWord(unit)}`
    })
    .join(' and ')
  const lines = [
    unloaded === 0
      ? 'Nothing was in memory.'
      : `${unloaded === 1 ? 'One model' : `${unloaded} models`} left the memory in ${duration(tookMs)}.`,
  ]
  if (handedOff > 0)
    lines.push(`Sent back for another supplier before ${handedOff === 1 ? 'it' : 'they'} began: ${jobs(handedOff)}.`)
  if (failed > 0)
    lines.push(
      `Ended in the middle: ${jobs(failed)}. ${failed === 1 ? 'Its buyer pays' : 'Their buyers pay'} nothing; ${count(lostTokens)} tokens delivered, ${money === '' ? 'nothing' : money} not earned.`,
    )
  if (handedOff === 0 && failed === 0) lines.push('No job was lost.')
  if (paused.length > 0)
    lines.push(`Paused: ${paused.map(gradeName).join(', ')}. Resume on the market page; that loads the model again.`)
  return lines
}
