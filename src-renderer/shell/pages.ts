/** The seven pages, in the order of their digits. */
export const PAGES = [
  { to: '/', name: 'Home', digit: '1' },
  { to: '/models', name: 'Models', digit: '2' },
  { to: '/exam', name: 'Exam', digit: '3' },
  { to: '/market', name: 'Market', digit: '4' },
  { to: '/jobs', name: 'Jobs', digit: '5' },
  { to: '/earnings', name: 'Earnings', digit: '6' },
  { to: '/settings', name: 'Settings', digit: '7' },
] as const
