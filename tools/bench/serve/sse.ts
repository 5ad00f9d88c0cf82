/**
 * Counts the events of a stream without parsing them: the client shares the cores with what it measures. An event
 * counts when it carries text (`"text":"x` or `"content":"x`); only the one with the usage is parsed. Events may be cut
 * anywhere by the network.
 */
const NEWLINE = 0x0a
const QUOTE = 0x22
const MARKERS = [Buffer.from('"text":"'), Buffer.from('"content":"')]
const USAGE = Buffer.from('"usage":{')

export interface Usage {
  prompt: number
  cached: number
  generated: number
}

interface WireUsage {
  usage: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details?: { cached_tokens?: number } }
}

export interface SseCounter {
  /** `at` in any unit; kept for each event with text. */
  feed(chunk: Buffer, at: number): void
  readonly arrivals: number[]
  readonly usage: Usage | null
}

function hasText(chunk: Buffer, from: number, to: number): boolean {
  for (const marker of MARKERS) {
    const found = chunk.indexOf(marker, from)
    if (found !== -1 && found < to) return chunk[found + marker.length] !== QUOTE
  }
  return false
}

function usageOf(event: string): Usage | null {
  try {
    const { usage } = JSON.parse(event.slice(event.indexOf('{'))) as WireUsage
    return {
      prompt: usage.prompt_tokens,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
      generated: usage.completion_tokens,
    }
  } catch {
    return null
  }
}

export function createSseCounter(): SseCounter {
  let rest: Buffer | null = null
  let usage: Usage | null = null
  const arrivals: number[] = []
  const endOf = (chunk: Buffer, from: number): number => {
    for (let at = chunk.indexOf(NEWLINE, from); at !== -1; at = chunk.indexOf(NEWLINE, at + 1))
      if (chunk[at + 1] === NEWLINE) return at
    return -1
  }
  return {
    arrivals,
    get usage() {
      return usage
    },
    feed(chunk, at) {
      const all: Buffer = rest === null ? chunk : Buffer.concat([rest, chunk])
      let from = 0
      for (let end = endOf(all, 0); end !== -1; end = endOf(all, from)) {
        if (hasText(all, from, end)) arrivals.push(at)
        const found = all.indexOf(USAGE, from)
        if (found !== -1 && found < end) usage = usageOf(all.toString('utf8', from, end)) ?? usage
        from = end + 2
      }
      rest = from < all.length ? all.subarray(from) : null
    },
  }
}
