// @vitest-environment jsdom
import { MantineProvider } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import { ItemGrid } from '#ui/exam/item-grid.tsx'
import { LimitTrack } from '#ui/limit.tsx'
import { Loaded } from '#ui/loaded.tsx'
import { Verdict } from '#ui/pill.tsx'

beforeAll(() => {
  window.matchMedia = ((query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  })) as unknown as typeof window.matchMedia
})
afterEach(cleanup)

const query = (part: Partial<UseQueryResult<string>>): UseQueryResult<string> =>
  ({ data: undefined, isError: false, error: null, refetch: vi.fn(), ...part }) as unknown as UseQueryResult<string>
const show = (part: Partial<UseQueryResult<string>>) =>
  render(
    <MantineProvider>
      <Loaded query={query(part)}>{(text) => <p>{text}</p>}</Loaded>
    </MantineProvider>,
  )

describe('Loaded', () => {
  it('shows a skeleton while loading, in words for screen readers', () => {
    show({})
    expect(screen.getByRole('status', { name: 'loading' })).toBeTruthy()
  })
  it('shows the core’s own message and reads again on request', () => {
    const refetch = vi.fn()
    show({ isError: true, error: new Error('The database is damaged; restore the backup.'), refetch })
    expect(screen.getByRole('alert').textContent).toContain('restore the backup')
    fireEvent.click(screen.getByRole('button', { name: 'Read again' }))
    expect(refetch).toHaveBeenCalledOnce()
  })
  it('keeps an old value when a later read fails: a blank card would look like no money', () => {
    show({ data: '0.4200', isError: true, error: new Error('offline') })
    expect(screen.getByText('0.4200')).toBeTruthy()
  })
})

describe('the one drawing of a limit', () => {
  it('puts line, dot and interval where their values are, and keeps what lies outside at the edge', () => {
    const { container } = render(<LimitTrack min={0} max={2} limit={1} value={0.5} low={0.25} high={9} />)
    expect(container.querySelector('circle')?.getAttribute('cx')).toBe('25%')
    expect(container.querySelector('svg svg')?.getAttribute('x')).toBe('50%')
    expect(container.querySelectorAll('rect')[1]?.getAttribute('width')).toBe('87.5%')
  })
  it('draws no dot for what was not measured', () => {
    const { container } = render(<LimitTrack min={0} max={1} limit={0.7} value={null} />)
    expect(container.querySelector('circle')).toBeNull()
  })
})

describe('exam items', () => {
  const items = [true, false, null].map((right, index) => ({
    itemId: `arith/1/${index}`,
    phase: 'items' as const,
    right,
    reason: '',
    ttftMs: null,
    tokPerS: null,
    tokens: null,
  }))

  it('tells right from wrong by shape and by name, not by colour alone', () => {
    render(<ItemGrid items={items} atMost={5} onOpen={() => undefined} />)
    const [right, wrong, running] = screen.getAllByRole('button')
    expect([right, wrong, running].map((mark) => mark?.querySelector('svg')?.firstElementChild?.tagName)).toEqual([
      'rect',
      'path',
      'circle',
    ])
    expect(wrong?.getAttribute('aria-label')).toBe('arith/1/1, wrong')
    expect(running?.hasAttribute('disabled')).toBe(true)
  })
  it('opens the item that was asked for', () => {
    const open = vi.fn()
    render(<ItemGrid items={items} atMost={3} onOpen={open} />)
    fireEvent.click(screen.getByRole('button', { name: 'arith/1/1, wrong' }))
    expect(open).toHaveBeenCalledWith('arith/1/1')
  })
  it('a verdict is always a word', () => {
    render(<Verdict state="not-reached" />)
    expect(screen.getByText('not reached')).toBeTruthy()
  })
})
