/** Runs the desktop window until it is closed, and finds out whether there ever was one. */
import { spawn } from 'node:child_process'

/**
 * `started`: the window was there, or the shell itself said why not and where the owner has to act; nothing else is
 * tried then.
 */
export type Attempt = { started: true; code: number } | { started: false; why: string }

/** What desktop/desktop-main.ts says on standard output. */
const SAYS = /^stoker-desktop (ready|raised|failed)(?:: (.*))?$/
/** How far it is with something that takes long; changes nothing else. */
const NOTE = /^stoker-desktop note: (.*)$/
const KILL_AFTER_MS = 5_000
/** Characters of an unfinished line that are kept. */
const LINE_MAX = 4_096

export interface RunWindowOptions {
  binary: string
  /** The repository's folder: its package.json names the app, its version and its entry. */
  root: string
  env: NodeJS.ProcessEnv
  /** Silence before the window is ready that counts as "cannot be had", in milliseconds. */
  silenceMs: number
  say: (line: string) => void
}

/** An exit before the ready line, or silence before it, means that the window cannot be had. */
export function runWindow({ binary, root, env, silenceMs, say }: RunWindowOptions): Promise<Attempt> {
  return new Promise((resolve) => {
    // Terminals inside Electron apps (editors) leave it set, and the binary would then be a plain Node without a window.
    const { ELECTRON_RUN_AS_NODE: _, ...windowEnv } = env
    const child = spawn(binary, [root], { cwd: root, env: windowEnv, stdio: ['inherit', 'pipe', 'inherit'] })
    let state: 'waiting' | 'silent' | 'ready' | 'raised' | 'failed' = 'waiting'
    let line = ''
    const timers: NodeJS.Timeout[] = []
    const silence = setTimeout(() => {
      state = 'silent'
      // Politely first: the shell ends its children, so that the folder is free for who comes next.
      child.kill('SIGTERM')
      timers.push(setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS))
    }, silenceMs)
    timers.push(silence)
    // A terminal's Ctrl-C reaches the window by itself, and a second SIGINT would end it without its children.
    const onInterrupt = (): void => void (process.stdin.isTTY ? undefined : child.kill('SIGINT'))
    const onTerminate = (): void => void child.kill('SIGTERM')
    process.on('SIGINT', onInterrupt)
    process.on('SIGTERM', onTerminate)
    process.on('SIGHUP', onTerminate)
    const hear = (text: string): void => {
      const noted = NOTE.exec(text)?.[1]
      if (noted !== undefined) return say(noted)
      const said = SAYS.exec(text)
      const word = said?.[1]
      if (state === 'silent' || word === undefined) return void (state === 'ready' && process.stdout.write(`${text}\n`))
      clearTimeout(silence)
      state = word as typeof state
      if (state === 'raised') say('Stoker is open already; its window was raised.')
      if (state === 'failed') say(`Stoker stopped: ${said?.[2] ?? ''}`)
    }
    child.stdout.on('data', (chunk: Buffer) => {
      if (state === 'waiting') silence.refresh()
      const lines = (line + chunk.toString('utf8')).split('\n')
      line = (lines.pop() ?? '').slice(-LINE_MAX)
      lines.forEach((text) => hear(text.trimEnd()))
    })
    const end = (attempt: Attempt): void => {
      timers.forEach((timer) => clearTimeout(timer))
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onTerminate)
      process.off('SIGHUP', onTerminate)
      resolve(attempt)
    }
    child.once('error', (error) => end({ started: false, why: `Electron did not start (${error.message})` }))
    // After the last line was heard.
    child.once('close', (code, signal) => {
      if (state === 'silent')
        end({ started: false, why: `its window was not ready within ${Math.round(silenceMs / 1_000)} s` })
      else if (state === 'waiting')
        end({ started: false, why: `Electron ended before its window was ready (${signal ?? `exit ${code}`})` })
      else end({ started: true, code: code ?? 0 })
    })
  })
}
