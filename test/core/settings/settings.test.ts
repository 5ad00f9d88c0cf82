import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { ALL_SCOPES } from '#core/os.ts'
import { createSettings } from '#core/settings/index.ts'
import { changeSettings, defaultSettings } from '#core/settings/settings.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const all = { context: { scopes: ALL_SCOPES } }
let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => rig.dispose())

describe('settings', () => {
  it('starts with the machine name and no price, and stores nothing until something is changed', () => {
    expect(createSettings(rig, ' workshop-pc ').current()).toEqual({
      rigName: 'workshop-pc',
      kwhPriceNano: null,
      powerCurrency: 'USD',
      wattsServing: null,
      wattsIdle: null,
      theme: 'system',
      closeToTray: 'ask',
    })
    expect(defaultSettings('  ').rigName).toBe('my rig')
    expect(defaultSettings('x'.repeat(200)).rigName).toHaveLength(80)
  })

  it('keeps fields that a change leaves out, also across a restart, and keeps a null that was given', async () => {
    const first = createSettings(rig, 'a')
    await call(first.api.updateSettings, { kwhPriceNano: 312_000_000, powerCurrency: 'EUR', wattsServing: 210 }, all)
    await call(first.api.updateSettings, { theme: 'dark' }, all)
    const again = createSettings(rig, 'b')
    expect(again.current()).toEqual({
      rigName: 'a',
      kwhPriceNano: 312_000_000,
      powerCurrency: 'EUR',
      wattsServing: 210,
      wattsIdle: null,
      theme: 'dark',
      closeToTray: 'ask',
    })
    await call(again.api.updateSettings, { kwhPriceNano: null }, all)
    expect((await call(again.api.settings, undefined, all)).kwhPriceNano).toBeNull()
  })

  it('tells power only when a change touches it', async () => {
    const settings = createSettings(rig, 'a')
    settings.change({ theme: 'light' })
    expect(rig.changes).toEqual(['settings'])
    settings.change({ wattsIdle: 40 })
    expect(rig.changes).toEqual(['settings', 'settings', 'power'])
  })

  it('refuses contradictions and nonsense, and leaves the stored row as it was', async () => {
    const settings = createSettings(rig, 'a')
    settings.change({ wattsServing: 100 })
    expect(() => settings.change({ wattsIdle: 101 })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    await expect(call(settings.api.updateSettings, { rigName: '   ' }, all)).rejects.toMatchObject({
      data: { code: 'BAD_REQUEST' },
    })
    await expect(call(settings.api.updateSettings, { kwhPriceNano: -1 }, all)).rejects.toThrow(
      'Input validation failed',
    )
    await expect(call(settings.api.updateSettings, { kwhPriceNano: 0.5 }, all)).rejects.toThrow(
      'Input validation failed',
    )
    await expect(call(settings.api.updateSettings, { powerCurrency: 'XXX' as 'USD' }, all)).rejects.toThrow(
      'Input validation failed',
    )
    expect(settings.current()).toMatchObject({ rigName: 'a', wattsServing: 100, wattsIdle: null })
  })

  it('needs the money scope to change', async () => {
    await expect(
      call(
        createSettings(rig, 'a').api.updateSettings,
        { theme: 'dark' },
        { context: { scopes: ['read', 'operate'] } },
      ),
    ).rejects.toMatchObject({
      data: { code: 'FORBIDDEN' },
    })
  })

  it('ignores fields that are present but undefined', () => {
    expect(changeSettings(defaultSettings('a'), { rigName: undefined }).rigName).toBe('a')
  })
})
