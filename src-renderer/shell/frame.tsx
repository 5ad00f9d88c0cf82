/** The frame around every page: skip link, side bar, banners, keys, palette. */
import { useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'

import { useConnection, useCore, useListingSwitch, useStaleness } from '../core-client.ts'
import { useKeys, type KeyActions } from './keys.ts'
import { Reload } from './login-page.tsx'
import { PAGES } from './pages.ts'
import { Palette, type Command } from './palette.tsx'
import { Shortcuts } from './shortcuts.tsx'
import { Side } from './side.tsx'
import { ConnectionBanner, RealmLine } from './status.tsx'

/** The theme is the core's setting, so that it is the same in every window and browser. */
function useTheme(): void {
  const { rpc } = useCore()
  const theme = useQuery(rpc.app.settings.queryOptions()).data?.theme
  const { setColorScheme } = useMantineColorScheme()
  useEffect(() => {
    if (theme !== undefined) setColorScheme(theme === 'system' ? 'auto' : theme)
  }, [theme, setColorScheme])
}

/** A new page starts at its top, with the focus on it, so that the keyboard and screen readers follow. */
function useFocusOnPage() {
  // The page that is shown, not the one whose file is still on its way.
  const path = useRouterState({ select: ({ resolvedLocation, location }) => (resolvedLocation ?? location).pathname })
  const main = useRef<HTMLElement>(null)
  const shown = useRef(path)
  useEffect(() => {
    if (shown.current === path) return
    shown.current = path
    main.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [path])
  return main
}

export function Frame() {
  const navigate = useNavigate()
  const core = useCore()
  const listing = useListingSwitch()
  const connection = useConnection()
  const [open, setOpen] = useState<'palette' | 'shortcuts' | null>(null)
  const main = useFocusOnPage()
  const { stale } = useStaleness()
  useTheme()

  const keys = useMemo<KeyActions>(
    () => ({
      page: (digit) => void navigate({ to: PAGES.find((page) => page.digit === digit)?.to ?? '/' }),
      toggleListing: () => listing.toggle(),
      palette: () => setOpen('palette'),
      shortcuts: () => setOpen('shortcuts'),
    }),
    [navigate, listing],
  )
  useKeys(keys)

  const commands: Command[] = [
    ...PAGES.map((page) => ({
      id: `page-${page.digit}`,
      name: `Go to ${page.name}`,
      hint: page.digit,
      run: () => void navigate({ to: page.to }),
    })),
    ...(listing.act === null
      ? []
      : [
          {
            id: 'listing',
            name: listing.act === 'pause' ? 'Pause listing' : 'Resume listing',
            hint: 'space',
            run: listing.toggle,
          },
        ]),
    ...(['system', 'light', 'dark'] as const).map((theme) => ({
      id: `theme-${theme}`,
      name: `Use ${theme} theme`,
      run: () =>
        void core.client.app
          .updateSettings({ theme })
          .then(() => core.queries.invalidateQueries({ queryKey: [['app', 'settings']] })),
    })),
    { id: 'wizard', name: 'Walk through first run again', run: () => void navigate({ to: '/welcome' }) },
    { id: 'shortcuts', name: 'Show keyboard shortcuts', hint: '?', run: () => setOpen('shortcuts') },
  ]
  if (connection.kind === 'reload') return <Reload />
  return (
    <div className="app">
      <a className="skip" href="#content" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <Side onPalette={() => setOpen('palette')} onShortcuts={() => setOpen('shortcuts')} />
      <main id="content" ref={main} tabIndex={-1} data-stale={stale}>
        <ConnectionBanner />
        <RealmLine />
        <Outlet />
      </main>
      <Palette opened={open === 'palette'} onClose={() => setOpen(null)} commands={commands} />
      <Shortcuts opened={open === 'shortcuts'} onClose={() => setOpen(null)} />
    </div>
  )
}
