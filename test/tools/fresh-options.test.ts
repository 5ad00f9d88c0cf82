import { describe, expect, it } from 'vitest'

import { chooseCells, nameOf, type FreshCell } from '../../tools/fresh/options.ts'

const names = (args: readonly string[], root = true): string[] | string => {
  const cells = chooseCells(args, root)
  return typeof cells === 'string' ? cells : cells.map(nameOf)
}

describe('the cells of npm run test:fresh', () => {
  it('are npm 10 on Node 22 unless told otherwise', () => {
    expect(names([])).toEqual(['Node 22, npm 10.9'])
    expect(names(['--node', '24', '--npm', '12.2', '--user', '--odd-path', '--umask'])).toEqual([
      'Node 24, npm 12.2, user, odd path, umask 077',
    ])
    expect(names(['--node', 'debian', '--chroot', '/srv/trixie'])).toEqual(['Debian’s Node and npm, trixie'])
  })

  it('are all that are promised with --all: npm 12.2 asks for a newer Node than 20', () => {
    const cells = chooseCells(['--all'], true) as FreshCell[]
    const plain = cells.filter(({ user, oddPath, umask }) => !user && !oddPath && !umask)
    const expected = ['20', '22', '24']
      .flatMap((node) => ['9.2', '10.9', '11.6', '11.19', '12.2'].map((npm) => `${node}/${npm}`))
      .filter((each) => each !== '20/12.2')
    expect(plain.map(({ node, npm }) => `${node}/${npm}`)).toEqual(expected)
    expect(cells.filter(({ user }) => user).length).toBeGreaterThan(0)
    expect((chooseCells(['--all'], false) as FreshCell[]).some(({ user }) => user)).toBe(false)
  })

  it.each([
    [['--npm', 'newest'], true],
    [['--node', '22.1'], true],
    [['--node', 'debian'], true],
    [['--user'], false],
    [['--chroot', 'trixie'], false],
    [['--what'], true],
  ])('are refused in a sentence for %j', (args, root) => {
    expect(names(args, root)).toMatch(/\w+ .*/)
    expect(typeof names(args, root)).toBe('string')
  })
})
