/**
 * The part of Electron's API the shell uses, by shape: `main.ts` hands the real one in, tests hand in a small double.
 * Nothing here imports electron at run time.
 */

export interface PortLike {
  postMessage(message: unknown, transfer?: PortLike[]): void
  on(event: 'message', listener: (event: { data: unknown; ports: PortLike[] }) => void): unknown
  on(event: 'close', listener: () => void): unknown
  start(): void
  close(): void
}

export interface UtilityLike {
  /** Undefined until `spawn`. */
  readonly pid: number | undefined
  postMessage(message: unknown, transfer?: PortLike[]): void
  on(event: 'spawn', listener: () => void): unknown
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  /** What it writes to standard error, where that is piped. */
  readonly stderr: { on(event: 'data', listener: (chunk: Buffer) => void): unknown } | null
  /** Asks politely: SIGTERM where there are signals. */
  kill(): boolean
}

type Preventable = { preventDefault(): void }
/** Where a frame wants to go; a page's own `location.reload()` comes this way too, `loadURL` of the shell does not. */
export type Navigation = Preventable & { readonly url: string; readonly isMainFrame: boolean }

export interface WebContentsLike {
  postMessage(channel: string, message: unknown, transfer?: PortLike[]): void
  on(event: 'will-navigate' | 'will-frame-navigate' | 'will-redirect', listener: (event: Navigation) => void): unknown
  on(event: 'will-attach-webview', listener: (event: Preventable) => void): unknown
  on(event: 'render-process-gone', listener: () => void): unknown
  /** As Ctrl-R does: the address stays. */
  reload(): void
  setWindowOpenHandler(handler: () => { action: 'deny' }): void
}

export interface WindowLike {
  readonly webContents: WebContentsLike
  loadURL(url: string): Promise<void>
  show(): void
  hide(): void
  focus(): void
  isMinimized(): boolean
  restore(): void
  isDestroyed(): boolean
  on(event: 'close', listener: (event: Preventable) => void): unknown
  on(event: 'closed', listener: () => void): unknown
}

export interface BrowserWindowOptions {
  width: number
  height: number
  minWidth: number
  minHeight: number
  show: boolean
  title: string
  backgroundColor: string
  webPreferences: {
    preload: string
    sandbox: true
    contextIsolation: true
    nodeIntegration: false
    nodeIntegrationInWorker: false
    nodeIntegrationInSubFrames: false
    webSecurity: true
    allowRunningInsecureContent: false
    navigateOnDragDrop: false
    webviewTag: false
    spellcheck: false
    devTools: boolean
  }
}

export interface SenderEvent {
  sender: unknown
  senderFrame: { url: string; parent: unknown } | null
}

export interface ShellElectron {
  app: {
    requestSingleInstanceLock(): boolean
    whenReady(): Promise<unknown>
    quit(): void
    /** At once, without asking anyone. */
    exit(code: number): void
    enableSandbox(): void
    getVersion(): string
    on(event: 'second-instance' | 'window-all-closed' | 'activate', listener: () => void): unknown
    on(event: 'before-quit', listener: (event: Preventable) => void): unknown
  }
  createWindow(options: BrowserWindowOptions): WindowLike
  /** Every page, ours or not, from the moment it exists. */
  onPage(listener: (page: WebContentsLike) => void): void
  /** `environment` instead of this process's own. */
  fork(entry: string, name: string, environment: Record<string, string>): UtilityLike
  /** SIGKILL, for a process that did not end when asked. */
  killHard(pid: number): void
  createPorts(): { port1: PortLike; port2: PortLike }
  onIpc(channel: string, listener: (event: SenderEvent) => void): void
  /** No permission is ever granted, and nothing is loaded or saved from an address that `mayLoad` does not allow. */
  hardenSession(mayLoad: (url: string) => boolean): void
  /** Serves files of `root` under app://stoker/; nothing outside it. */
  serveApp(root: string): void
  /** A modal question; resolves to the index of the button. */
  ask(question: {
    message: string
    detail: string
    buttons: string[]
    defaultId: number
    cancelId: number
  }): Promise<number>
  /** A modal error; resolves when the owner has closed it. */
  showError(title: string, message: string): Promise<void>
  notify(title: string, body: string): void
  createTray(actions: { open: () => void; quit: () => void }): {
    update(state: string, text: string): void
    destroy(): void
  }
}
