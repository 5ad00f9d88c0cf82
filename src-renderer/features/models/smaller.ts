/** What may be loaded instead of settings that did not fit. Pure. */
import type { SmallerSettings } from '#contract/models.ts'
import { count } from '#ui/format.ts'

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/**
 * The offer inside a refused load (`data: { code, data: { slots, contextTokens } }` of the RPC error); null for any
 * other failure.
 */
export function smallerIn(error: unknown): SmallerSettings | null {
  const data = isRecord(error) && isRecord(error['data']) ? error['data'] : null
  if (data?.['code'] !== 'ENGINE_OUT_OF_MEMORY' || !isRecord(data['data'])) return null
  const { slots, contextTokens } = data['data']
  return typeof slots === 'number' && typeof contextTokens === 'number' ? { slots, contextTokens } : null
}

export const insteadWords = ({ slots, contextTokens }: SmallerSettings): string =>
  `Load with ${slots === 1 ? 'one slot' : `${slots} slots`} of ${count(contextTokens)} tokens instead`
