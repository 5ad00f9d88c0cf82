/** Core ↔ shell in the desktop app: what the core process asks of Electron main. Values only; ports are brokered beside these messages. */
export type HostRequest = { t: 'fork-engine'; id: number } | { t: 'kill-engine'; id: number } | { t: 'fork-exchange'; id: number } | { t: 'notify'; title: string; body: string } | { t: 'ready' }
export type HostReply = { t: 'forked'; id: number; pid: number } | { t: 'fork-failed'; id: number; message: string } | { t: 'exited'; id: number; code: number | null } | { t: 'renderer' } | { t: 'quit' }
