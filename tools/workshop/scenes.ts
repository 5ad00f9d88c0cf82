/**
 * The scenes of the workshop: states a rig can be in, each a Fake core with its options. A new scene is one more entry
 * here.
 */
import type { FakeCoreOptions } from '../../test/support/fake-core.ts'

export interface Scene {
  readonly title: string
  /** What to look at, in one sentence. */
  readonly shows: string
  readonly core: Omit<FakeCoreOptions, 'theme' | 'contractHash'>
  readonly loggedIn?: false
  /** What happens to the connection a few seconds after the page came up. */
  readonly later?: 'offline' | 'other-contract'
}

export const SCENES: Readonly<Record<string, Scene>> = {
  busy: {
    title: 'Busy',
    shows: 'A rig that earns: one model loaded, one grade passed, two jobs running.',
    core: { scenario: 'busy' },
  },
  empty: {
    title: 'Empty',
    shows: 'A new rig whose owner skipped the first run: every page says why it is empty and what to do.',
    core: { scenario: 'empty' },
  },
  'first-run': {
    title: 'First run',
    shows: 'A new rig: the console leads to the first-run wizard.',
    core: { scenario: 'empty', onboarding: { step: 'welcome', skipped: false, startedAt: null, firstEarningAt: null } },
  },
  'exam-running': {
    title: 'Exam running',
    shows: 'An exam in its middle: limits still undecided, items still open.',
    core: { scenario: 'busy', examRunning: true },
  },
  several: {
    title: 'Several GPUs',
    shows: 'Two GPUs, fewer slots offered than there are, a model on remote servers, and one that did not fit.',
    core: { scenario: 'several' },
  },
  draining: {
    title: 'Draining',
    shows: 'Paused a moment ago: two accepted jobs are still being finished.',
    core: { scenario: 'several', draining: true },
  },
  stale: {
    title: 'Stale',
    shows: 'Live values stop after the first one: they turn grey and say as of when.',
    core: { scenario: 'stale' },
  },
  error: {
    title: 'Errors',
    shows: 'The ledger cannot be read: every page says so and offers to read again.',
    core: { scenario: 'error' },
  },
  offline: {
    title: 'Offline',
    shows: 'The core goes away after three seconds: the figures stay, a line says so.',
    core: { scenario: 'busy' },
    later: 'offline',
  },
  outdated: {
    title: 'Outdated page',
    shows: 'After three seconds the core comes back with another contract: the page asks for a reload.',
    core: { scenario: 'busy' },
    later: 'other-contract',
  },
  'signed-out': {
    title: 'Signed out',
    shows: 'No session: the page says how to get a link.',
    core: { scenario: 'busy' },
    loggedIn: false,
  },
}

export const THEMES = ['light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** Screens by their hash, as the console's router names them. */
export const SCREENS: Readonly<Record<string, string>> = {
  home: '#/',
  models: '#/models',
  exam: '#/exam',
  market: '#/market',
  jobs: '#/jobs',
  earnings: '#/earnings',
  settings: '#/settings',
  backup: '#/backup',
  welcome: '#/welcome',
}

/** Window sizes in CSS pixels: the two that the browser suite pictures, and a phone, on which nothing may stick out. */
export const SIZES: Readonly<Record<string, { readonly width: number; readonly height: number }>> = {
  wide: { width: 1_440, height: 900 },
  narrow: { width: 900, height: 1_000 },
  phone: { width: 400, height: 800 },
}

export const scenePath = (scene: string, theme: Theme, screen = 'home'): string =>
  `/scene/${scene}/${theme}/${SCREENS[screen] ?? '#/'}`
