/** `stoker engine add cuda`: what the engine can use but the install leaves out. */
import { Argument, type Command } from 'commander'

import { fail } from '#contract/errors.ts'
import { CUDA_PACKAGES, cudaFolder, cudaInstalled, cudaUsable, projectRoot } from '#engine/cuda.ts'

import { fetchCuda } from '../fetch-cuda.ts'
import { note, printLine } from '../output.ts'

async function add(): Promise<void> {
  const root = projectRoot()
  if (root === null) throw fail('cuda.noModules')
  if (process.platform !== 'linux' || process.arch !== 'x64' || CUDA_PACKAGES.length === 0) throw fail('cuda.nothing')
  const folder = cudaFolder(root)
  if (cudaInstalled(folder)) return printLine(`CUDA is there already: ${folder}`)
  if (!cudaUsable())
    note(
      'No NVIDIA driver with CUDA 12 or 13 libraries is seen here; without them the engine goes on with Vulkan or the processor.',
    )
  note('Fetching CUDA builds of the engine (320 MB to load, 565 MB on disk) …')
  const why = await fetchCuda({ root, say: note })
  if (why !== null) throw fail('cuda.failed', { why })
  printLine(`CUDA is in ${folder}. Models that are loaded from now on use it.`)
}

export function addEngine(program: Command): void {
  program
    .command('engine')
    .description('what the engine runs on')
    .command('add')
    .description('fetch what the install left out')
    .addArgument(new Argument('<what>', 'what to fetch').choices(['cuda']))
    .action(add)
}
