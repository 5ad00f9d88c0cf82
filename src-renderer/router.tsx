/**
 * The routes. The hash carries them: the same page works from a file, from Electron and from the headless server
 * without fallbacks.
 */
import { createHashHistory, createRootRoute, createRoute, createRouter } from '@tanstack/react-router'

import { parseEarningsSearch } from './features/earnings/earnings-search.ts'
import { parseJobsSearch } from './features/jobs/search.ts'
import { Frame } from './shell/frame.tsx'
import { lazyScreen, PendingScreen } from './shell/lazy-screen.tsx'

/** Each screen is a file of its own, fetched when it is first shown or pointed at. */
const screens = {
  '/': lazyScreen(async () => (await import('./features/home/home-page.tsx')).HomePage),
  '/models': lazyScreen(async () => (await import('./features/models/models-page.tsx')).ModelsPage),
  '/exam': lazyScreen(async () => (await import('./features/exam/exam-page.tsx')).ExamPage),
  '/market': lazyScreen(async () => (await import('./features/market/market-page.tsx')).MarketPage),
  '/jobs': lazyScreen(async () => (await import('./features/jobs/jobs-page.tsx')).JobsPage),
  '/earnings': lazyScreen(async () => (await import('./features/earnings/earnings-page.tsx')).EarningsPage),
  '/settings': lazyScreen(async () => (await import('./features/settings/settings-page.tsx')).SettingsPage),
  '/backup': lazyScreen(async () => (await import('./features/settings/backup-page.tsx')).BackupPage),
  '/welcome': lazyScreen(async () => (await import('./features/welcome/welcome-page.tsx')).WelcomePage),
} as const

const root = createRootRoute({ component: Frame, notFoundComponent: screens['/'] })
const parent = { getParentRoute: () => root } as const
const grade = (search: Record<string, unknown>): { grade?: string } =>
  typeof search['grade'] === 'string' ? { grade: search['grade'].slice(0, 96) } : {}

const tree = root.addChildren([
  createRoute({ ...parent, path: '/', component: screens['/'] }),
  createRoute({ ...parent, path: '/models', component: screens['/models'] }),
  createRoute({ ...parent, path: '/exam', component: screens['/exam'], validateSearch: grade }),
  createRoute({ ...parent, path: '/market', component: screens['/market'], validateSearch: grade }),
  createRoute({ ...parent, path: '/jobs', component: screens['/jobs'], validateSearch: parseJobsSearch }),
  createRoute({ ...parent, path: '/earnings', component: screens['/earnings'], validateSearch: parseEarningsSearch }),
  createRoute({ ...parent, path: '/settings', component: screens['/settings'] }),
  createRoute({ ...parent, path: '/backup', component: screens['/backup'] }),
  createRoute({ ...parent, path: '/welcome', component: screens['/welcome'] }),
])

export const makeRouter = () =>
  createRouter({
    routeTree: tree,
    history: createHashHistory(),
    // The file of a page is on its way before the click on its name; no page reads data for it.
    defaultPreload: 'intent',
    defaultPendingComponent: PendingScreen,
  })

/** Begins to fetch the screen that the address names while the console still connects. */
export const preloadScreen = (hash: string): void => {
  const path = hash.replace(/^#/, '').split('?', 1)[0] ?? ''
  void (path in screens ? screens[path as keyof typeof screens] : screens['/']).preload()
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
