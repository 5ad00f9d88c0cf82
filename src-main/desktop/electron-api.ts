/** The part of Electron's API the shell uses, by shape: `main.ts` hands the real one in, tests hand in a small double. Nothing here imports electron at run time. */

export interface PortLike {
  postMessage(message: unknown, transfer?: PortLike[]): void
  on(event: 'message', listener: (event: { data: unknown; ports: PortLike[] }) => void): unknown
  on(event: 'close', listener: () => void): unknown
  start(): void
  close(): void
}

export interface UtilityLike {
  readonly pid: number | undefined
  postMessage(message: unknown, transfer?: PortLike[]): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  kill(): boolean
}

export interface WebContentsLike {
  postMessage(channel: string, message: unknown, transfer?: PortLike[]): void
  on(event: 'will-navigate' | 'will-redirect' | 'will-attach-webview', listener: (event: { preventDefault(): void }) => void): unknown
  setWindowOpenHandler(handler: () => { action: 'deny' }): void
  readonly mainFrame?: unknown
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
  on(event: 'close', listener: (event: { preventDefault(): void }) => void): unknown
  on(event: 'closed', listener: () => void): unknown
}

export interface WindowOptions {
  width: number
  height: number
  minWidth: number
  minHeight: number
  show: boolean
  title: string
  backgroundColor: string
  webPreferences: { preload: string; sandbox: true; contextIsolation: true; nodeIntegration: false; webviewTag: false; spellcheck: false; devTools: boolean }
}

export interface SenderEvent { sender: unknown; senderFrame: { url: string; parent: unknown } | null }

export interface ShellElectron {
  app: {
    requestSingleInstanceLock(): boolean
    whenReady(): Promise<unknown>
    quit(): void
    exit(code: number): void
    enableSandbox(): void
    getVersion(): string
    on(event: 'second-instance' | 'window-all-closed' | 'activate', listener: () => void): unknown
    on(event: 'before-quit', listener: (event: { preventDefault(): void }) => void): unknown
  }
  createWindow(options: WindowOptions): WindowLike
  fork(entry: string, name: string): UtilityLike
  createPorts(): { port1: PortLike; port2: PortLike }
  onIpc(channel: string, listener: (event: SenderEvent) => void): void
  /** No permission is ever granted, and every response carries the content security policy. */
  hardenSession(contentSecurityPolicy: string): void
  /** Serves files of `root` under app://stoker/; nothing outside it. */
  serveApp(root: string): void
  /** A modal question; resolves to the index of the button. */
  ask(question: { message: string; detail: string; buttons: string[]; defaultId: number; cancelId: number }): Promise<number>
  notify(title: string, body: string): void
  createTray(actions: { open(): void; quit(): void }): { update(state: string, text: string): void; destroy(): void }
}
