/** What the exchange saw of a reply, out of what the seller sent. Source: docs/exam.md, Evidence. */
import { bytes4OfLength, utf8Length } from '#contract/bytes4.ts'
import { sha256Hex } from '#lib/canonical.ts'

/**
 * A call that ended early (deadline, crash, lost line) leaves the seller with more text sent than had arrived; what
 * arrived is a beginning of it, and its hash and token count say which. Null when nothing sent fits: the text was lost
 * here, with a killed process for instance.
 */
export function seenReply(sent: string, seen: { replySha256: string; tokens: number }): string | null {
  if (sha256Hex(sent) === seen.replySha256) return sent
  if (seen.tokens === 0) return sha256Hex('') === seen.replySha256 ? '' : null
  let [end, bytes] = [0, 0]
  for (const character of sent) {
    end += character.length
    bytes += utf8Length(character)
    const tokens = bytes4OfLength(bytes)
    // At most four beginnings have the right count, so no more than four are hashed.
    if (tokens > seen.tokens) return null
    if (tokens === seen.tokens && sha256Hex(sent.slice(0, end)) === seen.replySha256) return sent.slice(0, end)
  }
  return null
}
