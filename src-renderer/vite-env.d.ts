/// <reference types="vite/client" />

/** What the desktop preload exposes; absent in a browser. */
interface Window {
  readonly stoker?: {
    /** Asks the shell for a fresh port to the core; it arrives as a window message `stoker-port`. */
    connect(): void
    /** The path of a dropped file, which a browser does not tell. */
    pathOf?(file: File): string
  }
}
