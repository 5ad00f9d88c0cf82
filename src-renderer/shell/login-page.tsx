/** What stands instead of the console: signing in (headless), waiting for the core, or a reload. */
import { Button } from '@mantine/core'
import type { ReactNode } from 'react'

import { Flame } from '#ui/flame.tsx'

function Plain({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main id="content" style={{ maxWidth: '44rem', margin: '12vh auto 0' }}>
      <div className="brand" style={{ paddingLeft: 0 }}>
        <Flame />
        Stoker
      </div>
      <h1>{title}</h1>
      <div className="sub" style={{ display: 'grid', gap: 12, justifyItems: 'start' }}>
        {children}
      </div>
    </main>
  )
}

export const Login = ({ problem }: { problem: string | null }) => (
  <Plain title="This console opens with a link.">
    {problem !== null && (
      <p className="banner bad" role="alert">
        {problem}
      </p>
    )}
    <p>
      On the rig, run <code>npm run -s stoker -- link</code> and open what it prints. A link works once and for ten
      minutes; this browser then stays signed in until you sign it out in Settings.
    </p>
    <Button variant="default" onClick={() => location.reload()}>
      Look again
    </Button>
  </Plain>
)

export const Reload = () => (
  <Plain title="Stoker was updated.">
    <p>The core now speaks a newer version than this page. Nothing is lost by loading the page again.</p>
    <Button onClick={() => location.reload()}>Reload</Button>
  </Plain>
)

export const Waiting = ({ reason }: { reason: string | null }) => (
  <Plain title={reason === null ? 'Connecting to the core.' : 'The core does not answer yet.'}>
    <output>{reason === null ? 'This usually takes a second.' : `${reason}. Trying again by itself.`}</output>
  </Plain>
)
