/** `npm run dev:web` as a real process on a copy of the sources, so that a test may edit them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCES = [
  'package.json',
  'renderer.config.ts',
  'src-renderer',
  // The Fake core cuts time and writes CSV as the core does, and screens say what the catalogue says.
  'src-main',
  'test/support',
  'tools/dev',
  'tools/workshop',
]
const START_MS = 60_000

export interface Workshop {
  /** Ends with a slash. */
  readonly url: string
  /** Replaces the one occurrence of `before` in a source file. Error: it does not occur exactly once. */
  edit(path: string, before: string, after: string): void
  /** Ends the process and removes the copy. */
  stop(): Promise<void>
}

export async function startWorkshop(): Promise<Workshop> {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'stoker-workshop-')))
  for (const path of SOURCES) cpSync(join(ROOT, path), join(copy, path), { recursive: true })
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(copy, 'node_modules'), 'junction')
  const child = spawn(process.execPath, ['tools/workshop/dev-web.ts', '--port', '0'], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [said, errors] = ['', '']
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')))
  const url = await new Promise<string>((found, fail) => {
    child.once('exit', (code) => fail(new Error(`npm run dev:web ended with ${code} before it was ready:\n${errors}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      const link = /workshop:\s+(http:\/\/127\.0\.0\.1:\d+\/)/.exec(said)?.[1]
      if (link !== undefined) found(link)
    })
  })
  clearTimeout(timer)
  return {
    url,
    edit(path, before, after) {
      const text = readFileSync(join(copy, path), 'utf8')
      if (text.split(before).length !== 2) throw new Error(`${path} does not hold this text exactly once: ${before}`)
      writeFileSync(join(copy, path), text.replace(before, after))
    },
    async stop() {
      const gone = once(child, 'exit')
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await gone
      }
      rmSync(copy, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
