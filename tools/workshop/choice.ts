/** What the workshop shows, kept in its address, so that every view is a link. */
import { SCENES, SCREENS, SIZES, THEMES, type Theme } from './scenes.ts'

export interface Choice {
  readonly scene: string
  /** A screen, or `all`. */
  readonly screen: string
  readonly theme: Theme | 'both'
  readonly size: string
}

export const CHOICES = {
  scene: Object.keys(SCENES),
  screen: ['all', ...Object.keys(SCREENS)],
  theme: [...THEMES, 'both'],
  size: Object.keys(SIZES),
} as const

/** Unknown or missing words fall back to the first of their kind. */
export function parseChoice(search: string): Choice {
  const given = new URLSearchParams(search)
  const pick = (kind: keyof typeof CHOICES): string =>
    CHOICES[kind].find((word) => word === given.get(kind)) ?? CHOICES[kind][0] ?? ''
  return { scene: pick('scene'), screen: pick('screen'), theme: pick('theme') as Choice['theme'], size: pick('size') }
}

export const linkOf = (choice: Choice): string => `/?${new URLSearchParams({ ...choice }).toString()}`
