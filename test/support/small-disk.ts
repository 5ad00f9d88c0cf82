/** A disk of a few megabytes of its own (tmpfs), and files that nobody may change; both need root on Linux. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const runs = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface SmallDisk {
  readonly path: string
  /** Takes all room that is left, to the last byte. */
  fill(): void
  /** Gives it back. */
  free(): void
  remove(): void
}

/** Null where this process may not mount. */
export function smallDisk(mebibytes: number): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), 'stoker-disk-'))
  if (!runs('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path)) {
    rmSync(path, { recursive: true, force: true })
    return null
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      const { bsize, bavail } = statfsSync(path)
      try {
        writeFileSync(ballast, Buffer.alloc(bsize * bavail))
      } catch {
        // As much as there was.
      }
      // What came free meanwhile, in small pieces.
      for (let left = statfsSync(path).bavail; left > 0; left -= 1) {
        try {
          writeFileSync(ballast, Buffer.alloc(bsize), { flag: 'a' })
        } catch {
          return
        }
      }
    },
    free: () => rmSync(ballast, { force: true }),
    remove() {
      runs('umount', '-l', path)
      rmSync(path, { recursive: true, force: true })
    },
  }
}

const canMount = (): boolean => {
  const disk = smallDisk(1)
  disk?.remove()
  return disk !== null
}
/** Tests that need a small disk are skipped, and reported so, where there can be none. */
export const HAS_SMALL_DISKS = process.platform === 'linux' && canMount()

/** Whether the file could be made so that nobody can change it. */
export const freeze = (path: string): boolean => runs('chattr', '+i', path)
export const thaw = (path: string): boolean => runs('chattr', '-i', path)

const canFreeze = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-freeze-'))
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const works = freeze(file) && !runs('rm', '-f', file)
  thaw(file)
  rmSync(folder, { recursive: true, force: true })
  return works
}
export const CAN_FREEZE = process.platform === 'linux' && canFreeze()
