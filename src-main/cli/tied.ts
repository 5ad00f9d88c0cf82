/** A child that must not outlive this process: what ends us ends it first. */
import type { ChildProcess } from 'node:child_process'

/** How a shell names the end by a signal. */
const EXIT_OF = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * Until the child has exited, a signal to this process is handed on to it, and ends this process after it; returns a
 * function that unties them.
 */
export function tie(child: ChildProcess): () => void {
  const signals = Object.keys(EXIT_OF) as (keyof typeof EXIT_OF)[]
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      child.once('exit', () => process.exit(EXIT_OF[signal]))
      // A terminal's Ctrl-C reaches the child by itself, and a second one would cut its own end short.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
    }
    process.once(signal, listener)
    return [signal, listener] as const
  })
  const untie = (): void => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
  child.once('exit', untie)
  child.once('error', untie)
  return untie
}
