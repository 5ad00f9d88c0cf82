/**
 * The benchmark's models: GGUF files with random weights, written when first wanted into STOKER_SHAPES_DIR (default
 * ~/.cache/stoker/shapes), never into the repository. By hand: `node tools/bench/shapes.ts OUT.gguf [--preset
 * tiny|mini|small] [--type q8_0|q4_0|f16] [--seed N] [--pooling mean|cls|last]`
 */
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { writeShape } from './shapes/gguf.ts'
import { POOLING_TYPE, PRESETS, type PresetName, type ShapeOptions, type WeightType } from './shapes/presets.ts'

const SEED = 42

export const shapesDir = (): string => process.env['STOKER_SHAPES_DIR'] ?? join(homedir(), '.cache/stoker/shapes')

/** The file of a shape, written now if it is not there. Its name holds all that decides its bytes. */
export function ensureShape({
  preset,
  type,
  seed = SEED,
}: {
  preset: PresetName
  type: WeightType
  seed?: number
}): string {
  const path = join(shapesDir(), `${preset}-${type}-${seed}.gguf`)
  if (!existsSync(path)) {
    mkdirSync(shapesDir(), { recursive: true })
    console.error(`writing ${path} …`)
    writeShape(path, { preset, type, seed })
  }
  return path
}

function main(args: string[]): void {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      preset: { type: 'string', default: 'tiny' },
      type: { type: 'string', default: 'q8_0' },
      seed: { type: 'string', default: String(SEED) },
      pooling: { type: 'string' },
    },
  })
  const { preset, type, pooling } = values
  const seed = Number(values.seed)
  const [path] = positionals
  if (
    path === undefined ||
    !(preset in PRESETS) ||
    !['q8_0', 'q4_0', 'f16'].includes(type) ||
    !Number.isInteger(seed) ||
    (pooling !== undefined && !(pooling in POOLING_TYPE))
  ) {
    console.error(
      'usage: node tools/bench/shapes.ts OUT.gguf [--preset tiny|mini|small] [--type q8_0|q4_0|f16] [--seed N] [--pooling mean|cls|last]',
    )
    process.exitCode = 2
    return
  }
  writeShape(path, { preset, type, seed, ...(pooling === undefined ? {} : { pooling }) } as ShapeOptions)
  console.log(path)
}

if (import.meta.main) main(process.argv.slice(2))
