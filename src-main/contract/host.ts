/**
 * Core ↔ shell in the desktop app: what the core process asks of Electron main, and what it is answered. Values only:
 * message ports travel beside `forked` (to the child) and `renderer` (to the window's page). Zod-free: both ends are
 * ours and in one process tree.
 */
export type HostChild = 'engine' | 'exchange' | 'sensors'

/** What a process may be busy with however long it takes: killed in the middle it would only begin anew. */
export type ChildTask = 'migrating' | 'checking' | 'restoring'

/** What a child says of itself to whoever started it, beside what it is for. */
export type ChildWord =
  | { t: 'alive' }
  /** `text`: a line for the owner; a null task ends the last one. */
  | { t: 'busy'; task: ChildTask | null; text: string }

export type ShellRequest =
  | { t: 'ready' }
  /** `gpu`: the only one the child may see, counted from 0; without it, all. */
  | { t: 'fork'; id: number; child: HostChild; gpu?: number }
  /** `hard`: by the signal that cannot be ignored. */
  | { t: 'kill'; id: number; hard: boolean }
  | ChildWord
  | { t: 'notify'; title: string; body: string }
  /** What the tray shows. */
  | { t: 'tray'; state: 'off' | 'listed' | 'serving' | 'attention'; text: string }
  /** The owner's answer to "close to tray?" as stored in the settings. */
  | { t: 'close-to-tray'; choice: 'ask' | 'tray' | 'quit' }
  /**
   * The core cannot run here and another try would not help (the folder is in use, the database is newer): the shell
   * tells the owner and ends.
   */
  | { t: 'failed'; code: string; message: string }
  | { t: 'stopped' }

export type ShellReply =
  | { t: 'start'; dataDir: string; version: string; resourcesDir: string }
  | { t: 'forked'; id: number; pid: number | null }
  /** `words`: the last plain line that it wrote to standard error. */
  | { t: 'exited'; id: number; code: number | null; words: string }
  | { t: 'renderer' }
  /** The owner chose in the close dialog; the core stores it. */
  | { t: 'close-to-tray'; choice: 'tray' | 'quit' }
  | { t: 'quit' }
