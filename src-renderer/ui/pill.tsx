import type { ReactNode } from 'react'

import { t } from './say.ts'

export type Tone = 'good' | 'warn' | 'hot' | 'bad' | 'mute'

/** A verdict: always a word, the colour and the shape of its mark only help. */
export const Pill = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`pill ${tone}`}>{children}</span>
)

const VERDICTS = {
  passed: 'good',
  'not-reached': 'bad',
  undecided: 'warn',
  running: 'hot',
  interrupted: 'warn',
  cancelled: 'mute',
  none: 'mute',
} as const satisfies Record<string, Tone>
type Known = keyof typeof VERDICTS
const isKnown = (state: string): state is Known => Object.hasOwn(VERDICTS, state)

/** An exam's or a limit's verdict in the words of the glossary. */
export function Verdict({ state }: { state: string }) {
  return <Pill tone={isKnown(state) ? VERDICTS[state] : 'mute'}>{verdictWord(state)}</Pill>
}

export const verdictWord = (state: string): string => (isKnown(state) ? t(`verdict.${state}`) : state)
