/** Which fresh machines are tried: a cell is one Node, one npm and what is special about the machine. */
import { parseArgs } from 'node:util'

export interface FreshCell {
  /** Major version, or `debian`: the Node and npm of the system in `chroot`. */
  node: string
  /** `10.9` is the newest of that line. */
  npm: string
  /**
   * A system without compiler and Python, made by debootstrap or given as a folder; null is a PATH with next to nothing
   * on it.
   */
  chroot: string | null
  /** An ordinary user instead of root. */
  user: boolean
  oddPath: boolean
  umask: boolean
}

export const USAGE = `npm run test:fresh -- [--node 22] [--npm 10.9] [--chroot bookworm|trixie|/FOLDER] [--user] [--odd-path] [--umask] [--all]
  --node, --npm  versions from the registry (default 22 and 10.9); --node debian: what the system of --chroot has
  --chroot       a Debian release that debootstrap puts into a folder, or such a folder (root only)
  --user         install and start as an ordinary user (root only; without root it is one anyhow)
  --odd-path     into a folder with spaces and letters beyond ASCII     --umask  with umask 077
  --all          every npm that is promised on every Node it runs on, and each of the three special cases`

const PROMISED: readonly [node: string, npms: readonly string[]][] = [
  ['20', ['9.2', '10.9', '11.6', '11.19']],
  ['22', ['9.2', '10.9', '11.6', '11.19', '12.2']],
  ['24', ['9.2', '10.9', '11.6', '11.19', '12.2']],
]
const PLAIN = { chroot: null, user: false, oddPath: false, umask: false }

export const nameOf = ({ node, npm, chroot, user, oddPath, umask }: FreshCell): string =>
  [
    node === 'debian' ? 'Debian’s Node and npm' : `Node ${node}, npm ${npm}`,
    chroot?.split('/').at(-1),
    user && 'user',
    oddPath && 'odd path',
    umask && 'umask 077',
  ]
    .filter(Boolean)
    .join(', ')

function everything(root: boolean): FreshCell[] {
  const plain = PROMISED.flatMap(([node, npms]) => npms.map((npm) => ({ ...PLAIN, node, npm })))
  const base = { ...PLAIN, node: '22', npm: '10.9' }
  return [
    ...plain,
    { ...base, oddPath: true },
    { ...base, umask: true },
    ...(root
      ? [
          { ...base, user: true },
          { ...base, user: true, oddPath: true, umask: true },
        ]
      : []),
  ]
}

/** The cells that the arguments name, or what is wrong with the arguments. */
export function chooseCells(args: readonly string[], root = process.getuid?.() === 0): FreshCell[] | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        node: { type: 'string', default: '22' },
        npm: { type: 'string', default: '10.9' },
        chroot: { type: 'string' },
        user: { type: 'boolean', default: false },
        'odd-path': { type: 'boolean', default: false },
        umask: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
      },
    })
    if (process.platform === 'win32') return 'Windows has no test of this kind yet.'
    if (values.all) return everything(root)
    const { node, npm, chroot = null, user, umask } = values
    if (node !== 'debian' && !/^\d+$/.test(node)) return `--node is a major version, or debian, not "${node}".`
    if (!/^\d+(\.\d+){0,2}$/.test(npm)) return `--npm is a version, not "${npm}".`
    if (node === 'debian' && chroot === null) return '--node debian needs --chroot.'
    if ((chroot !== null || user) && !root) return '--chroot and --user need root.'
    return [{ node, npm, chroot, user, oddPath: values['odd-path'], umask }]
  } catch (error) {
    return (error as Error).message
  }
}
