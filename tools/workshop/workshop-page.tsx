/** The index of the workshop: choose a scene, a screen, a theme and a width; below, every combination as a link. */
import '../../src-renderer/styles.ts'
import './workshop.css'

import { MantineProvider } from '@mantine/core'
import { createRoot } from 'react-dom/client'

import { theme } from '../../src-renderer/theme.ts'
import { type Choice, CHOICES, linkOf, parseChoice } from './choice.ts'
import { Frames } from './frames.tsx'
import { SCENES, SCREENS, SIZES, THEMES } from './scenes.ts'

const titleOf = (kind: keyof Choice, word: string): string => (kind === 'scene' ? (SCENES[word]?.title ?? word) : word)

function Switch({ kind, choice }: { kind: keyof Choice; choice: Choice }) {
  return (
    <nav aria-label={kind}>
      <span>{kind}</span>
      {CHOICES[kind].map((word) => (
        <a
          key={word}
          href={linkOf({ ...choice, [kind]: word })}
          aria-current={choice[kind] === word ? 'page' : undefined}
        >
          {titleOf(kind, word)}
        </a>
      ))}
    </nav>
  )
}

/** Scene × screen; in each cell its themes and sizes. */
function Everything() {
  return (
    <details className="card">
      <summary>Every combination</summary>
      <div className="scroll-x">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Scene</th>
              {Object.keys(SCREENS).map((screen) => (
                <th key={screen} scope="col">
                  {screen}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Object.entries(SCENES).map(([scene, { title }]) => (
              <tr key={scene}>
                <th scope="row">{title}</th>
                {Object.keys(SCREENS).map((screen) => (
                  <td key={screen}>
                    {THEMES.flatMap((each) =>
                      Object.keys(SIZES).map((size) => (
                        <a
                          key={`${each} ${size}`}
                          className="shop-cell"
                          href={linkOf({ scene, screen, theme: each, size })}
                        >
                          {each} {size}
                        </a>
                      )),
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function Workshop({ choice }: { choice: Choice }) {
  return (
    <main className="shop">
      <header>
        <h1>{SCENES[choice.scene]?.shows}</h1>
        <p className="sub">
          Live pages over a Fake core; all figures are invented. A change of a source file shows here by itself.{' '}
          <a href={`/parts?theme=${choice.theme}`}>Shared parts alone</a>
        </p>
      </header>
      {(['scene', 'screen', 'theme', 'size'] as const).map((kind) => (
        <Switch key={kind} kind={kind} choice={choice} />
      ))}
      <Frames {...choice} />
      <Everything />
    </main>
  )
}

const place = document.getElementById('root')
if (place === null) throw new Error('the page lacks #root')
const choice = parseChoice(location.search)
createRoot(place).render(
  <MantineProvider theme={theme} forceColorScheme={choice.theme === 'dark' ? 'dark' : 'light'}>
    <Workshop choice={choice} />
  </MantineProvider>,
)
