import { describe, expect, it } from 'vitest'

import { mendMissing, type ReloadPort } from '../../src-renderer/shell/reload-once.ts'

/** A tab whose storage survives its loads, as sessionStorage does. */
function tab({ answers = true, forgets = false } = {}) {
  let isReloaded = false
  let loads = 0
  const port: ReloadPort = {
    answers: () => Promise.resolve(answers),
    reloaded: () => isReloaded,
    setReloaded: (reloaded) => void (isReloaded = reloaded && !forgets),
    reload: () => void (loads += 1),
  }
  return { port, loads: () => loads }
}

describe('a screen whose file is gone', () => {
  it('loads the page again once, and then says so instead of doing it for ever', async () => {
    const { port, loads } = tab()
    expect([await mendMissing(port), await mendMissing(port), await mendMissing(port)]).toEqual([
      'reloading',
      'missing',
      'missing',
    ])
    expect(loads()).toBe(1)
  })

  it('may load again once a screen has come since', async () => {
    const { port, loads } = tab()
    await mendMissing(port)
    port.setReloaded(false)
    expect(await mendMissing(port)).toBe('reloading')
    expect(loads()).toBe(2)
  })

  it('keeps the page while the server does not answer', async () => {
    const { port, loads } = tab({ answers: false })
    expect(await mendMissing(port)).toBe('unreachable')
    expect([loads(), port.reloaded()]).toEqual([0, false])
  })

  it('never loads by itself where nothing can be remembered', async () => {
    const { port, loads } = tab({ forgets: true })
    expect(await mendMissing(port)).toBe('missing')
    expect(loads()).toBe(0)
  })
})
