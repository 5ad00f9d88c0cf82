/** Catches: npm taken for a shell that may go, a shell taken for npm, a path named npm taken for npm. */
import { describe, expect, it } from 'vitest'

import { ancestorsToNpm, endsWithParent } from '#lib/parent-watch.ts'

/** A chain of commands above this process, the nearest first; numbers from 101 on above our real parent. */
function above(...commands: string[]) {
  const pids = [process.ppid, 101, 102, 103, 104, 105, 106]
  return (pid: number) => {
    const level = pids.indexOf(pid)
    const command = commands[level]
    return command === undefined ? null : { pid, parent: pids[level + 1] ?? 1, command }
  }
}

describe('the processes that we end with', () => {
  it.each([
    ['npm run -s stoker'],
    ['node /usr/lib/node_modules/npm/bin/npm-cli.js start'],
    ['/opt/node/bin/node /opt/npm/bin/npm-cli.js run start'],
    ['pnpm start'],
  ])('reach up to %j, the shell and the launcher in between included', (runner) => {
    const launcher = 'node tools/own-node.js src-main/cli/main.ts serve --data /home/npm/x'
    const find = above(launcher, 'sh -c node tools/own-node.js', runner, 'bash')
    expect(ancestorsToNpm(find)).toEqual([process.ppid, 101, 102])
  })

  it('are our parent alone where there is no npm above, or it cannot be found out', () => {
    expect(ancestorsToNpm(above('bash', 'sshd', 'init'))).toEqual([process.ppid])
    expect(ancestorsToNpm(() => null)).toEqual([process.ppid])
  })

  it('are none where no npm started us: a shell may go, as with nohup', () => {
    expect([endsWithParent({}), endsWithParent({ npm_lifecycle_event: 'start' })]).toEqual([false, true])
  })
})
