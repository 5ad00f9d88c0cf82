/** `stoker exam items`: exam items as JSON lines, so that anyone can compare an implementation with this one. */
import { Command, InvalidArgumentError } from 'commander'

import { examItem, FAMILIES, type Level } from '#exam/generate-items.ts'

import { integer, seed } from '../shared-options.ts'
import { printJson } from '../output.ts'

const COUNT_MAX = 100_000

function level(text: string): Level {
  if (text !== '1' && text !== '2') throw new InvalidArgumentError('Levels 1 and 2 exist.')
  return text === '1' ? 1 : 2
}

export function addExam(program: Command): void {
  program
    .command('exam')
    .description('exam items')
    .addCommand(
      new Command('items')
        .description('print the items of a seed, per family index 0 to N-1, one JSON object a line')
        .exitOverride()
        .requiredOption('--seed <seed>', '1 to 64 of A-Z a-z 0-9 . _ -', seed)
        .requiredOption('--level <level>', '1 or 2', level)
        .requiredOption('--count <n>', 'items of each family', integer(1, COUNT_MAX))
        .action((options: { seed: string; level: Level; count: number }) => {
          for (const family of FAMILIES)
            for (let index = 0; index < options.count; index += 1)
              printJson(examItem(options.seed, family, options.level, index))
        }),
    )
}
