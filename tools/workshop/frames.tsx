/** Live screens of one scene: each a page of its own in a frame, drawn smaller where many are shown. */
import type { Choice } from './choice.ts'
import { scenePath, SCREENS, SIZES, THEMES, type Theme } from './scenes.ts'

const SMALL = 0.42

/** The frame speaks the language that the workshop was opened in (`?locale=`). */
function inLocale(path: string): string {
  const locale = new URLSearchParams(window.location.search).get('locale')
  if (locale === null) return path
  const [page = path, hash = ''] = path.split('#')
  return `${page}?locale=${encodeURIComponent(locale)}#${hash}`
}

function Frame({
  scene,
  screen,
  theme,
  size,
  scale,
}: {
  scene: string
  screen: string
  theme: Theme
  size: string
  scale: number
}) {
  const { width, height } = SIZES[size] ?? { width: 1_440, height: 900 }
  const path = inLocale(scenePath(scene, theme, screen))
  return (
    <figure className="shop-frame">
      <figcaption>
        <b>{screen}</b> {theme}, {width} × {height} <a href={path}>open alone</a>
      </figcaption>
      <div style={{ width: width * scale, height: height * scale }}>
        {/* oxlint-disable-next-line react/iframe-missing-sandbox -- our own page, which needs scripts and its own origin: a sandbox with both keeps nothing out */}
        <iframe
          title={`${scene}, ${screen}, ${theme}`}
          src={path}
          loading="lazy"
          style={{ width, height, transform: `scale(${scale})` }}
        />
      </div>
    </figure>
  )
}

export function Frames({ scene, screen, theme, size }: Choice) {
  const screens = screen === 'all' ? Object.keys(SCREENS) : [screen]
  const themes = theme === 'both' ? THEMES : [theme]
  const scale = screens.length * themes.length === 1 ? 1 : SMALL
  return (
    <div className="shop-frames">
      {screens.flatMap((name) =>
        themes.map((one) => (
          <Frame key={`${name} ${one}`} scene={scene} screen={name} theme={one} size={size} scale={scale} />
        )),
      )}
    </div>
  )
}
