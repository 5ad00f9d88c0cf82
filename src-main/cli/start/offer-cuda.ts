/**
 * At `npm start` on a machine with an NVIDIA card: fetches CUDA builds of the engine that the install left out. Never
 * keeps Stoker from starting.
 */
import { cudaFolder, cudaInstalled, cudaUsable } from '#engine/cuda.ts'

import { fetchCuda } from '../fetch-cuda.ts'

export async function offerCuda(root: string, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  if (env['STOKER_CUDA'] === 'off' || !cudaUsable() || cudaInstalled(cudaFolder(root))) return
  say(
    'An NVIDIA card is here: fetching CUDA builds of the engine, once (320 MB to load; STOKER_CUDA=off leaves them out) …',
  )
  const why = await fetchCuda({ root, env, say })
  if (why !== null)
    say(
      `CUDA could not be fetched (${why}). Vulkan or the processor serves; the next start, or \`npm run -s stoker -- engine add cuda\`, tries again.`,
    )
}
