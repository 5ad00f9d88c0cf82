/** Page-wide keys: digits switch pages, space pauses or resumes, Ctrl/Cmd-K opens the palette, ? the shortcuts. */
import { useEffect } from 'react'

const INTERACTIVE =
  'input, textarea, select, button, a[href], summary, [contenteditable="true"], [role="button"], [role="radio"], [role="switch"], [role="option"], [role="slider"], [role="dialog"]'
const TYPING =
  'input:not([type="radio"]):not([type="checkbox"]), textarea, select, [contenteditable="true"], [role="dialog"]'

export interface KeyActions {
  page(digit: string): void
  toggleListing(): void
  palette(): void
  shortcuts(): void
}

/** What a key press means here; null when it belongs to the control that has the focus. */
export function meaningOf(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'target'>,
): keyof KeyActions | null {
  const target = event.target instanceof Element ? event.target : null
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') return 'palette'
  if (event.ctrlKey || event.metaKey || event.altKey || target?.closest(TYPING)) return null
  if (/^[1-7]$/.test(event.key)) return 'page'
  if (event.key === '?') return 'shortcuts'
  return event.key === ' ' && !target?.closest(INTERACTIVE) ? 'toggleListing' : null
}

export function useKeys(actions: KeyActions): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.repeat || event.defaultPrevented) return
      const meaning = meaningOf(event)
      if (meaning === null) return
      event.preventDefault()
      actions[meaning](event.key)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [actions])
}
