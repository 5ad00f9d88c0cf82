/** `stoker link`: a new login link from the running console. */
import { resolve } from 'node:path'

import type { Command } from 'commander'

import { fail } from '#contract/errors.ts'

import { DATA_OPTION } from '../shared-options.ts'
import { printJson, printLine } from '../output.ts'
import { needOwner } from '../owner.ts'

export function addLink(program: Command): void {
  program
    .command('link')
    .description('print a new login link (one use, ten minutes) for the running console')
    .option(...DATA_OPTION)
    .option('--json', 'print one line {"link"}')
    .action(async (options: { data: string; json?: boolean }) => {
      const owner = await needOwner(resolve(options.data))
      const response = await fetch(`${owner.url}/auth/link`, {
        method: 'POST',
        headers: { authorization: `Bearer ${owner.token}` },
      })
      const { link } = (await response.json()) as { link?: string }
      if (!response.ok || link === undefined) throw fail('link.http', { url: owner.url, status: response.status })
      if (options.json === true) printJson({ link })
      else printLine(link)
    })
}
