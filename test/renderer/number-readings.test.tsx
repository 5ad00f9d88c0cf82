// @vitest-environment jsdom
import { MantineProvider } from '@mantine/core'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import { setViewerLocale } from '#ui/locale.ts'
import { draftOf, readDraft } from '#ui/power-form.ts'

import { NumberReadings } from '../../src-renderer/forms/number-readings.tsx'

beforeAll(() => {
  window.matchMedia = (() => ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  })) as unknown as typeof window.matchMedia
})
afterEach(() => {
  cleanup()
  setViewerLocale('en')
})

describe('a number that may mean two', () => {
  it('is shown as both, and the chosen one is typed as this locale types it', () => {
    setViewerLocale('de')
    const chosen = vi.fn()
    render(
      <MantineProvider>
        <NumberReadings texts={['1234', '1.234']} onChoose={chosen} />
      </MantineProvider>,
    )
    expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['1.234,00', '1,234'])
    fireEvent.click(screen.getByRole('button', { name: '1,234' }))
    expect(chosen).toHaveBeenCalledExactlyOnceWith('1,234')
  })

  it('asks nothing where there is nothing to ask', () => {
    render(
      <MantineProvider>
        <NumberReadings texts={null} onChoose={vi.fn()} />
      </MantineProvider>,
    )
    expect(screen.queryAllByRole('button')).toEqual([])
  })
})

describe('the fields of electricity', () => {
  it('refuse to save what may mean two, and name both', () => {
    expect(readDraft({ kwh: '0.28', serving: '1,200', idle: '' })).toMatchObject({
      values: { kwhPriceNano: 280_000_000, wattsServing: null, wattsIdle: null },
      problems: { serving: expect.stringContaining('two ways') as string },
      asks: { kwh: null, serving: ['1200', '1.200'], idle: null },
    })
  })

  it('take the locale’s decimal sign, and come back as they were written', () => {
    setViewerLocale('de')
    const typed = { kwh: '0,28', serving: '120,5', idle: '30' }
    const { values, problems } = readDraft(typed)
    expect([values, problems]).toEqual([{ kwhPriceNano: 280_000_000, wattsServing: 120.5, wattsIdle: 30 }, {}])
    expect(draftOf(values)).toEqual(typed)
  })

  it.each(['-1', '20001', 'many', '1e3'])('refuse %s watts', (serving) => {
    expect(readDraft({ kwh: '', serving, idle: '' }).problems).toEqual({
      serving: 'Watts between 0 and 20,000, or empty.',
    })
  })
})
