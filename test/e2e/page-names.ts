/** The pages of the console, for tests, measurements and pictures. */
export const PAGES = ['home', 'models', 'exam', 'market', 'jobs', 'earnings', 'settings', 'backup', 'welcome'] as const
export type PageName = (typeof PAGES)[number]

export const hashOf = (page: PageName): string => (page === 'home' ? '#/' : `#/${page}`)
