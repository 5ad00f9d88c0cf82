/**
 * A machine without compiler and Python: a folder with a PATH of its own, or a small Debian in a folder. Says how a
 * command is run there.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

import type { FreshCell } from './options.ts'
import type { Tools } from './tools.ts'

/** What npm, git and Stoker's own start use of the system; no python, make or compiler among it. */
const PROGRAMS = [
  'sh',
  'env',
  'git',
  'uname',
  'id',
  'cat',
  'ls',
  'sed',
  'grep',
  'dirname',
  'basename',
  'mkdir',
  'rm',
  'ps',
  'ip',
  'setpriv',
  'unshare',
  'true',
]
/** `nobody`: no home, no rights. */
const ORDINARY = 65_534
/** Passed on: how the registry is reached. Everything else of the environment would make the machine less fresh. */
const PASSED =
  /^(https?_proxy|no_proxy|npm_config_(registry|cafile|proxy|https_proxy|noproxy|strict_ssl)|node_extra_ca_certs|ssl_cert_(file|dir)|lang)$/i
const ODD = 'räume für 暖炉 & more'

export interface FreshMachine {
  /** The machine's folders as this process sees them. */
  readonly home: string
  readonly checkout: string
  /** Program and arguments that run `args` in the checkout (or where it is to be), and its environment. */
  command(
    args: readonly string[],
    options?: { network?: boolean; env?: Record<string, string> },
  ): { file: string; args: string[]; env: Record<string, string> }
  /** Gives a path to the user of the machine. */
  own(path: string): void
  remove(): void
}

const onPath = (program: string): string | null =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path)) ?? null

/** Makes the system by debootstrap once; a given folder is used as it is. */
export function systemFolder(chroot: string): string {
  if (chroot.startsWith('/')) return chroot
  const folder = join(homedir(), '.cache', 'stoker', 'fresh', chroot)
  if (!existsSync(join(folder, 'bin', 'sh')))
    execFileSync('debootstrap', ['--variant=minbase', '--include=ca-certificates,git', chroot, folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  return folder
}

/** Our npm's own settings (registry, tokens) in a file of the machine, as long as the machine lives. */
function copySettings(home: string): void {
  const settings = process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc')
  if (existsSync(settings)) copyFileSync(settings, join(home, '.npmrc'))
}

function environment(system: string): Record<string, string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name, value]) => PASSED.test(name) && value !== undefined),
  ) as Record<string, string>
  const authorities = env['NODE_EXTRA_CA_CERTS']
  if (system !== '/' && authorities !== undefined && existsSync(authorities))
    copyFileSync(authorities, join(system, 'etc/ssl/certs/ca-certificates.crt'))
  if (system !== '/' && authorities !== undefined) env['NODE_EXTRA_CA_CERTS'] = '/etc/ssl/certs/ca-certificates.crt'
  return env
}

/** What the machine has on its path: the cell's Node and npm, and few programs; no compiler and no Python. */
function installPrograms(
  cell: FreshCell,
  tools: Tools,
  { system, base, work, bin }: { system: string; base: string; work: string; bin: string },
): void {
  if (cell.node !== 'debian') {
    tools.node(cell.node, join(base, 'node'))
    tools.npm(cell.npm, join(base, 'npm'))
    symlinkSync(join(work, 'node/bin/node'), join(bin, 'node'))
    writeFileSync(
      join(bin, 'npm'),
      `#!/bin/sh\nexec ${join(work, 'bin/node')} ${join(work, 'npm/bin/npm-cli.js')} "$@"\n`,
    )
    chmodSync(join(bin, 'npm'), 0o755)
  }
  if (system === '/')
    for (const program of PROGRAMS) if (onPath(program) !== null) symlinkSync(onPath(program)!, join(bin, program))
  if (system !== '/') copyFileSync('/etc/resolv.conf', join(system, 'etc/resolv.conf'))
}

/** The command line that runs `args` in `folder` as the cell's user, below its system, with or without a network. */
function stepsOf(
  cell: FreshCell,
  system: string,
  folder: string,
  { network, args }: { network: boolean; args: readonly string[] },
): { steps: string[]; proxy: Record<string, string> } {
  // Root can take the network away; everyone else is told a proxy that is not there.
  const cut = !network && process.getuid?.() === 0 && onPath('unshare') !== null && onPath('ip') !== null
  const proxy =
    network || cut
      ? {}
      : {
          http_proxy: 'http://127.0.0.1:9',
          https_proxy: 'http://127.0.0.1:9',
          npm_config_registry: 'http://127.0.0.1:9',
        }
  // A system in a folder gets /proc, as long as the command runs.
  const apart = system !== '/' || cut
  const prepare = [
    cut && `${onPath('ip')} link set lo up`,
    system !== '/' && `mount -t proc proc ${join(system, 'proc')}`,
    'exec "$@"',
  ]
    .filter(Boolean)
    .join(' && ')
  const steps = [
    ...(apart
      ? [
          onPath('unshare')!,
          ...(cut ? ['-n'] : []),
          ...(system === '/' ? [] : ['-m']),
          onPath('sh')!,
          '-c',
          prepare,
          'sh',
        ]
      : []),
    ...(system === '/' ? [] : [onPath('chroot')!, system]),
    ...(cell.user
      ? [
          system === '/' ? onPath('setpriv')! : '/usr/bin/setpriv',
          `--reuid=${ORDINARY}`,
          `--regid=${ORDINARY}`,
          '--clear-groups',
        ]
      : []),
    system === '/' ? onPath('sh')! : '/bin/sh',
    '-c',
    `umask ${cell.umask ? '077' : '022'}; cd "$1"; shift; exec "$@"`,
    'sh',
    folder,
    ...args,
  ]
  return { steps, proxy }
}

/**
 * `work` is emptied. In a system of its own the machine's folder lies at the same path below that system, and its
 * parent is the test's own as well.
 */
export function createMachine(cell: FreshCell, tools: Tools, work: string): FreshMachine {
  const system = cell.chroot === null ? '/' : systemFolder(cell.chroot)
  const base = join(system, work)
  rmSync(base, { recursive: true, force: true })
  const [home, bin] = [join(base, 'home'), join(base, 'bin')]
  for (const folder of [home, bin]) mkdirSync(folder, { recursive: true })
  copySettings(home)
  installPrograms(cell, tools, { system, base, work, bin })
  const own = (path: string): void => void (cell.user && chownSync(path, ORDINARY, ORDINARY))
  for (const path of [base, home, join(home, '.npmrc')]) if (existsSync(path)) own(path)
  const inside = environment(system)
  const place = cell.oddPath ? ODD : 'stoker'
  const path =
    system === '/' ? join(work, 'bin') : [join(work, 'bin'), '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(':')

  return {
    home,
    checkout: join(base, place),
    own,
    command(args, { network = true, env = {} } = {}) {
      const { steps, proxy } = stepsOf(cell, system, join(work, place), { network, args })
      return {
        file: steps[0]!,
        args: steps.slice(1),
        env: {
          ...inside,
          ...proxy,
          ...env,
          HOME: join(work, 'home'),
          PATH: path,
          npm_config_cache: join(work, 'cache'),
          TERM: 'dumb',
        },
      }
    },
    remove: () => rmSync(system === '/' ? base : dirname(base), { recursive: true, force: true }),
  }
}

/** Megabytes on disk below a folder, as `du` counts them. */
export const megabytes = (folder: string): number =>
  Number.parseInt(execFileSync('du', ['-sm', folder], { encoding: 'utf8', cwd: dirname(folder) }), 10)
