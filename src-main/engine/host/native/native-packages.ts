/**
 * Paths of the libraries of llama.cpp: inside node-llama-cpp's prebuilt packages, one for each platform and GPU type.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import { cudaFolder, projectRoot } from '#engine/cuda.ts'

export type GpuKind = 'cuda' | 'vulkan' | 'metal'

export interface NativePaths {
  /** Folder of the backends (libggml-cpu-….so and the like). */
  folder: string
  base: string
  ggml: string
  llama: string
}

const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'mac', win32: 'win' }

/** Package names without their scope, in the order in which they are tried. */
export function packageNames(platform: NodeJS.Platform, arch: string, gpu: GpuKind | null): string[] {
  const name = PLATFORMS[platform]
  if (name === undefined) return []
  const plain = `${name}-${arch === 'arm' ? 'armv7l' : arch}`
  if (platform === 'darwin' && arch === 'arm64') return [`${plain}-metal`]
  return gpu === null || gpu === 'metal' ? [plain] : [`${plain}-${gpu}`]
}

/** Versions are part of the names: `libllama.v0.5.0.so`, `libllama.cuda.v0.5.0.so`. */
const named = (files: readonly string[], name: string): string | undefined =>
  files.find(
    (file) =>
      new RegExp(`^(lib)?${name}(\\.[a-z]+)?(\\.v[\\d.]+)?\\.(so|dylib|dll)$`).test(file) &&
      !file.includes('-base') &&
      !file.includes('-common'),
  )

/**
 * Null where the package is not installed or has other files. In a packaged app the libraries are unpacked beside the
 * archive.
 */
export function findNative(gpu: GpuKind | null): NativePaths | null {
  const project = projectRoot()
  // CUDA's builds may have been fetched into a folder of their own.
  const places = [
    import.meta.url,
    ...(gpu === 'cuda' && project !== null ? [join(cudaFolder(project), 'package.json')] : []),
  ].map((from) => createRequire(from))
  for (const [name, require] of packageNames(process.platform, process.arch, gpu).flatMap((name) =>
    places.map((place) => [name, place] as const),
  )) {
    try {
      const root = dirname(dirname(require.resolve(`@node-llama-cpp/${name}`))).replace(
        /app\.asar(?=[\\/])/,
        'app.asar.unpacked',
      )
      const folder = join(root, 'bins', name)
      if (!existsSync(folder)) continue
      const files = readdirSync(folder)
      const [base, ggml, llama] = [
        files.find((file) => /^(lib)?ggml-base\.(so|dylib|dll)$/.test(file)),
        named(files, 'ggml'),
        named(files, 'llama'),
      ]
      if (base !== undefined && ggml !== undefined && llama !== undefined)
        return { folder, base: join(folder, base), ggml: join(folder, ggml), llama: join(folder, llama) }
    } catch {
      // Not installed, as optional packages of other platforms.
    }
  }
  return null
}
