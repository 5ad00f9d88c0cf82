/**
 * The shared parts of the screens alone, on the Fake core's figures: what a change in src-renderer/ui looks like
 * without walking through pages.
 */
import '../../src-renderer/styles.ts'
import './workshop.css'

import { MantineProvider } from '@mantine/core'
import { createRoot } from 'react-dom/client'

import { theme } from '../../src-renderer/theme.ts'
import { ExamParts } from './exam-parts.tsx'
import { MoneyParts } from './money-parts.tsx'
import { PageParts } from './page-parts.tsx'

/** Read once: charts and ages of one load agree with each other. */
const NOW = Date.now()
const dark = new URLSearchParams(location.search).get('theme') === 'dark'

function Parts() {
  return (
    <main className="shop">
      <header>
        <h1>The parts that several screens share.</h1>
        <p className="sub">
          On the Fake core's figures. <a href={dark ? '/parts' : '/parts?theme=dark'}>{dark ? 'Light' : 'Dark'}</a> ·{' '}
          <a href="/">Back to the screens</a>
        </p>
      </header>
      <PageParts now={NOW} />
      <ExamParts now={NOW} />
      <MoneyParts now={NOW} />
    </main>
  )
}

const place = document.getElementById('root')
if (place === null) throw new Error('the page lacks #root')
createRoot(place).render(
  <MantineProvider theme={theme} forceColorScheme={dark ? 'dark' : 'light'}>
    <Parts />
  </MantineProvider>,
)
