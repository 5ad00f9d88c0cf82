/** Starts the console: redeems a login link if the page was opened with one, then connects. */
import './styles.ts'

import { DirectionProvider, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { App } from './app.tsx'
import { createCoreConnection } from './connection/core-connection.ts'
import { CoreProvider, createCoreAccess } from './connection/core-provider.tsx'
import { codeOf, redeemLink } from './connection/login-code.ts'
import { openForThisPage } from './connection/open-channel.ts'
import { preloadScreen } from './router.tsx'
import { theme } from './theme.ts'
import { viewerLanguage } from './ui/say.ts'

const place = document.getElementById('root')
if (place === null) throw new Error('index.html lacks #root')
preloadScreen(location.hash)
const loginProblem = window.stoker === undefined ? await redeemLink() : null
// A fresh link pasted into an open tab changes only the fragment.
window.addEventListener(
  'hashchange',
  () => codeOf(location.hash) !== null && void redeemLink().then((problem) => problem === null && location.reload()),
)
const { language, direction } = viewerLanguage()
document.documentElement.lang = language
document.documentElement.dir = direction
const core = createCoreAccess(createCoreConnection(openForThisPage))

createRoot(place).render(
  <StrictMode>
    <DirectionProvider initialDirection={direction} detectDirection={false}>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <Notifications position="bottom-right" />
        <CoreProvider core={core}>
          <App loginProblem={loginProblem} />
        </CoreProvider>
      </MantineProvider>
    </DirectionProvider>
  </StrictMode>,
)
