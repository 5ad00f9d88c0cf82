/**
 * A core dump of this process would be a file full of prompts, written by a crash that anybody's bad model file can
 * cause. Switched off before the first prompt comes, where the system lets us (Linux, macOS).
 */
import koffi from 'koffi'

/** RLIMIT_CORE of <sys/resource.h>, the same on Linux and macOS. */
const RLIMIT_CORE = 4
/** From <sys/prctl.h>. */
const PR_SET_DUMPABLE = 4

type Call = (...args: unknown[]) => number

/**
 * True when no dump will be written from now on, by this process or a thread of it. The limit alone would not do: a dump
 * that the kernel pipes into a program (systemd-coredump, apport) ignores it, and is not made of a process that is not
 * dumpable (core(5)). Never throws.
 */
export function noCoreDumps(): boolean {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return false
  try {
    // Whatever C library this process has.
    const libc = koffi.load(null)
    const setrlimit = libc.func('int setrlimit(int resource, const uint64_t *limit)') as unknown as Call
    const limited = setrlimit(RLIMIT_CORE, [0, 0]) === 0
    if (process.platform === 'darwin') return limited
    const prctl = libc.func(
      'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
    ) as unknown as Call
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) === 0 && limited
  } catch {
    return false
  }
}
