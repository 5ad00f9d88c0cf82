/** Which of the three views is shown: the console, the login page, or waiting for the core. */
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'

import { useConnection, useCore } from './core-client.ts'
import { type ShownVenue, VenueProvider } from './connection/venue.tsx'
import { makeRouter } from './router.tsx'
import { Login, Reload, Waiting } from './shell/login-page.tsx'

/** Once, after the first hello: a newcomer is led to the first run. */
async function startsWithWizard(read: () => Promise<{ step: string; skipped: boolean }>): Promise<boolean> {
  try {
    const { step, skipped } = await read()
    return step !== 'done' && !skipped
  } catch {
    return false
  }
}

export function App({ loginProblem }: { loginProblem: string | null }) {
  const core = useCore()
  const connection = useConnection()
  const router = useMemo(() => makeRouter(), [])
  const [shown, setShown] = useState<ShownVenue | null>(null)
  useEffect(() => {
    const [venue] = connection.kind === 'online' ? connection.hello.venues : []
    if (venue === undefined || shown !== null) return
    void startsWithWizard(() => core.client.app.onboarding()).then(async (wizard) => {
      if (wizard && /^#?\/?$/.test(location.hash)) await router.navigate({ to: '/welcome', replace: true })
      setShown(venue)
    })
  }, [connection, shown, core, router])
  if (connection.kind === 'login') return <Login problem={loginProblem} />
  if (connection.kind === 'reload') return <Reload />
  if (shown === null) return <Waiting reason={connection.kind === 'offline' ? connection.reason : null} />
  return (
    <VenueProvider venue={shown}>
      <RouterProvider router={router} />
    </VenueProvider>
  )
}
