/**
 * Ends a host whose parent dies while the host is inside native code: it notices a closed channel only between steps.
 * Only Linux can arrange that beforehand; elsewhere the closed channel must do.
 */
import koffi from 'koffi'

/** From <sys/prctl.h> and <signal.h>. */
const PR_SET_PDEATHSIG = 1
const SIGKILL = 9

/**
 * Call early. The kernel sends the signal when the thread that forked this process ends: Node forks on its main thread.
 * Never throws.
 */
export function dieWithParent(exit: () => void): void {
  if (process.platform !== 'linux') return
  const parent = process.ppid
  try {
    const prctl = koffi
      .load('libc.so.6')
      .func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)') as unknown as (
      ...args: number[]
    ) => number
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
  } catch {
    // Another C library (musl): the closed channel must do.
    return
  }
  // The parent may have died before the call; then no signal is sent.
  if (process.ppid !== parent || process.ppid === 1) exit()
}
