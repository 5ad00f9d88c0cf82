// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'

import { meaningOf } from '../../src-renderer/shell/keys.ts'
import { matching } from '../../src-renderer/shell/palette.tsx'
import { parseJobsSearch } from '../../src-renderer/features/jobs/search.ts'
import { codeOf } from '../../src-renderer/connection/login-code.ts'
import { nextAct } from '../../src-renderer/connection/pause-listings.ts'

function press(
  key: string,
  target: Element = document.body,
  modifiers: { ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean } = {},
) {
  return meaningOf({ key, target, ctrlKey: false, metaKey: false, altKey: false, ...modifiers })
}
function inside(html: string, selector: string): Element {
  document.body.innerHTML = html
  return document.querySelector(selector) ?? document.body
}

describe('keys', () => {
  it('digits, space, palette and shortcuts on the page', () => {
    expect([
      press('3'),
      press(' '),
      press('?'),
      press('k', document.body, { ctrlKey: true }),
      press('k', document.body, { metaKey: true }),
    ]).toEqual(['page', 'toggleListing', 'shortcuts', 'palette', 'palette'])
  })
  it('typing a price must not switch pages or pause the listing', () => {
    const field = inside('<input type="text">', 'input')
    expect([press('3', field), press(' ', field), press('?', field)]).toEqual([null, null, null])
  })
  it('space on a button presses the button, a digit there still switches pages', () => {
    const button = inside('<button><span>Save</span></button>', 'span')
    expect([press(' ', button), press('2', button)]).toEqual([null, 'page'])
  })
  it('nothing inside a dialog, and browser shortcuts stay the browser’s', () => {
    const paragraph = inside('<div role="dialog"><p>text</p></div>', 'p')
    expect([press('2', paragraph), press('1', document.body, { ctrlKey: true }), press('8')]).toEqual([
      null,
      null,
      null,
    ])
  })
})

describe('small decisions', () => {
  it('the palette finds by word starts', () => {
    const commands = ['Go to Market', 'Go to Models', 'Use dark theme'].map((name) => ({
      id: name,
      name,
      run: () => undefined,
    }))
    expect(matching(commands, 'go mar').map((command) => command.name)).toEqual(['Go to Market'])
    expect(matching(commands, 'xyz')).toEqual([])
  })
  it('a malformed filter in the address is dropped', () => {
    expect(parseJobsSearch({ state: 'settled', instrument: 'practice/text-nano', job: 'job_1' })).toEqual({
      state: 'settled',
      instrument: 'practice/text-nano',
      job: 'job_1',
    })
    expect(parseJobsSearch({ state: 'sold', instrument: '<script>', job: 5 })).toEqual({})
  })
  it('only a login fragment is a code', () => {
    expect(codeOf('#code=abcdefgh1234')).toBe('abcdefgh1234')
    expect([codeOf('#/jobs'), codeOf('#code='), codeOf('#code=abc<def>gh')]).toEqual([null, null, null])
  })
  it('pausing comes before resuming', () => {
    const listing = (state: 'listed' | 'paused' | 'refused') => ({ state }) as Parameters<typeof nextAct>[0][number]
    expect([
      nextAct([listing('paused'), listing('listed')]),
      nextAct([listing('paused')]),
      nextAct([listing('refused')]),
      nextAct([]),
    ]).toEqual(['pause', 'resume', null, null])
  })
})
