/**
 * What the core may ask of the process around it (the desktop shell or the headless server). No `if (isElectron)` in
 * core.
 */
export interface HostPort {
  readonly mode: 'desktop' | 'headless'
  /** Whether a crash writes the memory of its processes to disk; `unknown` where the system does not say, or missing. */
  readonly coreDumps?: 'off' | 'on' | 'unknown'
  /** A short notice to the owner, where the host can show one. */
  notify(title: string, body: string): void
}
