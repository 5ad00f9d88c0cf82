/**
 * The viewer's locale: numbers, dates and amounts follow the browser's first language, the words the first language that
 * has a catalogue. `?locale=` asks for another one, for as long as the tab lives.
 */
const KEY = 'stoker-locale'

function startingLocale(): string {
  // Typed here since tools that check what screens show run it where there is no page.
  const { location } = globalThis as { location?: { search: string } }
  const asked = location === undefined ? null : new URLSearchParams(location.search).get('locale')
  try {
    if (asked !== null) sessionStorage.setItem(KEY, asked)
    const kept = asked ?? (typeof sessionStorage === 'undefined' ? null : sessionStorage.getItem(KEY))
    return Intl.getCanonicalLocales(kept ?? navigator.language)[0] ?? 'en'
  } catch {
    // No storage, or something that is no locale was asked for.
    return 'en'
  }
}

let locale = startingLocale()

/** A BCP 47 tag, such as `de-CH`. */
export const viewerLocale = (): string => locale

/** For tests: from now on everything is written as this locale writes it. */
export function setViewerLocale(next: string): void {
  locale = next
}

/** One value for each locale that is used, made at first need. */
export function perLocale<T>(make: (locale: string) => T): () => T {
  const made = new Map<string, T>()
  return () => {
    const known = made.get(locale)
    if (known !== undefined) return known
    const value = make(locale)
    made.set(locale, value)
    return value
  }
}
