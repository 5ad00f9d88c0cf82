/**
 * The Node that the project brings: linked after an install, used where there is no link, and refused in words where it
 * cannot run.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { tempDir } from '#test/support/temp-dir.ts'

import { linkOwnNode, machineProblem, ownNodePath } from '../../tools/own-node.js'

const SCRIPT = resolve('tools/own-node.js')
const LINUX = { platform: 'linux' as const, glibc: '2.36', version: '20.20.2', ownNode: true }

describe('the machine', () => {
  it('may have any Node where the project’s own was installed, and a new one where it was not', () => {
    expect([
      machineProblem(LINUX),
      machineProblem({ ...LINUX, ownNode: false, version: '22.18.0' }),
      machineProblem({ ...LINUX, ownNode: false, version: '24.1.0' }),
    ]).toEqual([null, null, null])
    expect(machineProblem({ ...LINUX, platform: 'darwin', glibc: undefined })).toBeNull()
  })

  it('is refused in words with musl, and with a Node that cannot run TypeScript', () => {
    expect(machineProblem({ ...LINUX, glibc: undefined })).toMatch(/musl \(Alpine\).*Use a Debian/)
    for (const version of ['20.20.2', '22.17.1'])
      expect(machineProblem({ ...LINUX, ownNode: false, version })).toMatch(
        new RegExp(`this is ${version.replaceAll('.', String.raw`\.`)}.*--include=optional`),
      )
  })
})

it('knows the package of each platform, all of them in package.json', () => {
  const names = [
    ['linux', 'x64'],
    ['linux', 'arm64'],
    ['darwin', 'x64'],
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['win32', 'arm64'],
  ].map(([platform, arch]) => ownNodePath('', platform as NodeJS.Platform, arch).split(/[\\/]/)[1])
  const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    optionalDependencies: Record<string, string>
  }
  expect(new Set(names)).toEqual(new Set(Object.keys(optionalDependencies)))
})

/** A checkout as npm leaves it, with this process's Node as the package, unless another program is given. */
function checkout(node: string | null = process.execPath): {
  root: string
  link: string
  run: (...args: string[]) => ReturnType<typeof spawnSync>
} {
  const root = tempDir()
  for (const folder of ['tools', 'node_modules/.bin']) mkdirSync(join(root, folder), { recursive: true })
  copyFileSync(SCRIPT, join(root, 'tools/own-node.js'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(root, 'say.ts'),
    'const words: string[] = process.argv.slice(2)\nconsole.log(process.execPath, words.join())\nprocess.exitCode = 7\n',
  )
  if (node !== null) {
    mkdirSync(dirname(ownNodePath(root)), { recursive: true })
    symlinkSync(node, ownNodePath(root))
  }
  return {
    root,
    link: join(root, 'node_modules/.bin/node'),
    run: (...args) =>
      spawnSync(process.execPath, [join(root, 'tools/own-node.js'), ...args], { cwd: root, encoding: 'utf8' }),
  }
}

describe('after an install', () => {
  it('is linked by a relative path, so that the checkout can be moved, and stays so', () => {
    const { root, link, run } = checkout()
    expect([run().status, run().status]).toEqual([0, 0])
    expect(readlinkSync(link)).toBe(join('..', ownNodePath('').split('/')[1]!, 'bin', 'node'))
    expect(existsSync(join(root, 'node_modules/.bin/node'))).toBe(true)
  })

  it('replaces a link that leads elsewhere', () => {
    const { root, link } = checkout()
    symlinkSync('/nowhere', link)
    linkOwnNode(root, ownNodePath(root))
    expect(execFileSync(link, ['--version'], { encoding: 'utf8' }).trim()).toBe(process.version)
  })

  it('runs a file with its arguments and exit code', () => {
    const { run } = checkout()
    const { status, stdout } = run('say.ts', 'a', 'b')
    expect([status, String(stdout).trim().split(' ').at(-1)]).toEqual([7, 'a,b'])
  })

  it('drops the -- that pnpm hands on, and no later one', () => {
    const { run } = checkout()
    expect(
      String(run('say.ts', '--', 'a', '--', 'b').stdout)
        .trim()
        .split(' ')
        .at(-1),
    ).toBe('a,--,b')
  })

  it('runs a file where the link cannot be made, and says so when the link is all that was asked for', () => {
    const { root, run } = checkout()
    rmSync(join(root, 'node_modules/.bin'), { recursive: true })
    writeFileSync(join(root, 'node_modules/.bin'), 'no folder')
    expect(run('say.ts', 'a').status).toBe(7)
    expect(run().status).toBe(1)
  })

  it('is left alone when it cannot start here; the Node at hand serves if it is new enough', () => {
    const { root, link, run } = checkout(null)
    mkdirSync(dirname(ownNodePath(root)), { recursive: true })
    writeFileSync(ownNodePath(root), '#!/nowhere/ld-musl\n')
    chmodSync(ownNodePath(root), 0o755)
    expect([run().status, existsSync(link), run('say.ts').status]).toEqual([0, false, 7])
  })
})

it('starts a file on the project’s Node from another one', () => {
  const { root, run } = checkout(null)
  mkdirSync(dirname(ownNodePath(root)), { recursive: true })
  // Another program under the package's name, so that the script has to start it.
  writeFileSync(ownNodePath(root), `#!/bin/sh\n[ "$1" = --version ] && exit 0\necho own "$@"\nexit 5\n`)
  chmodSync(ownNodePath(root), 0o755)
  const { status, stdout } = run('say.ts', 'a')
  expect([status, String(stdout).trim()]).toEqual([5, `own ${join(root, 'say.ts')} a`])
  expect(readlinkSync(join(root, 'node_modules/.bin/node'))).toMatch(/^\.\.\/node-/)
})
