/**
 * The routes. The hash carries them: the same page works from a file, from Electron and from the headless server
 * without fallbacks.
 */
import { createHashHistory, createRootRoute, createRoute, createRouter } from '@tanstack/react-router'

import { EarningsPage } from './features/earnings/earnings-page.tsx'
import { parseEarningsSearch } from './features/earnings/earnings-search.ts'
import { ExamPage } from './features/exam/exam-page.tsx'
import { HomePage } from './features/home/home-page.tsx'
import { JobsPage } from './features/jobs/jobs-page.tsx'
import { parseJobsSearch } from './features/jobs/search.ts'
import { MarketPage } from './features/market/market-page.tsx'
import { ModelsPage } from './features/models/models-page.tsx'
import { BackupPage } from './features/settings/backup-page.tsx'
import { SettingsPage } from './features/settings/settings-page.tsx'
import { WelcomePage } from './features/welcome/welcome-page.tsx'
import { Frame } from './shell/frame.tsx'

const root = createRootRoute({ component: Frame, notFoundComponent: HomePage })
const parent = { getParentRoute: () => root } as const
const grade = (search: Record<string, unknown>): { grade?: string } =>
  typeof search['grade'] === 'string' ? { grade: search['grade'].slice(0, 96) } : {}

const tree = root.addChildren([
  createRoute({ ...parent, path: '/', component: HomePage }),
  createRoute({ ...parent, path: '/models', component: ModelsPage }),
  createRoute({ ...parent, path: '/exam', component: ExamPage, validateSearch: grade }),
  createRoute({ ...parent, path: '/market', component: MarketPage, validateSearch: grade }),
  createRoute({ ...parent, path: '/jobs', component: JobsPage, validateSearch: parseJobsSearch }),
  createRoute({ ...parent, path: '/earnings', component: EarningsPage, validateSearch: parseEarningsSearch }),
  createRoute({ ...parent, path: '/settings', component: SettingsPage }),
  createRoute({ ...parent, path: '/backup', component: BackupPage }),
  createRoute({ ...parent, path: '/welcome', component: WelcomePage }),
])

export const makeRouter = () => createRouter({ routeTree: tree, history: createHashHistory(), defaultPreload: false })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
