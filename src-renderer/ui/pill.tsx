import type { ReactNode } from 'react'

export type Tone = 'good' | 'warn' | 'hot' | 'bad' | 'mute'

/** A verdict: always a word, the colour and the shape of its mark only help. */
export const Pill = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`pill ${tone}`}>{children}</span>
)

const VERDICTS: Readonly<Record<string, [Tone, string]>> = {
  passed: ['good', 'passed'],
  'not-reached': ['bad', 'not reached'],
  undecided: ['warn', 'undecided'],
  running: ['hot', 'running'],
  interrupted: ['warn', 'interrupted'],
  cancelled: ['mute', 'cancelled'],
  none: ['mute', 'no exam yet'],
}

/** An exam's or a limit's verdict in the words of the glossary. */
export function Verdict({ state }: { state: string }) {
  const [tone, word] = VERDICTS[state] ?? ['mute', state]
  return <Pill tone={tone}>{word}</Pill>
}

export const verdictWord = (state: string): string => VERDICTS[state]?.[1] ?? state
