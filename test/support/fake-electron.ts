/**
 * A small double of the part of Electron's API the shell uses (desktop/electron-api.ts). It records calls and lets a
 * test raise events.
 */
import type {
  PortLike,
  ShellElectron,
  WebContentsLike,
  WindowLike,
  BrowserWindowOptions,
} from '#desktop/electron-api.ts'

type Listener = (...args: never[]) => void
class Emitter {
  readonly #listeners = new Map<string, Listener[]>()
  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    return this
  }
  emit(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as (...all: unknown[]) => void)(...args)
  }
}

export class FakeUtility extends Emitter {
  readonly sent: { message: unknown; ports: number }[] = []
  /** What the process does when asked to quit: end (default) or ignore it. */
  obedient = true
  /** Ignores the polite signal. */
  stubborn = false
  alive = true
  /** Undefined until `spawn`, as in Electron. */
  pid: number | undefined = undefined
  readonly entry: string
  readonly stderr = null
  readonly environment: Record<string, string>
  constructor(entry: string, pid: number, environment: Record<string, string>) {
    super()
    this.entry = entry
    this.environment = environment
    setImmediate(() => {
      if (!this.alive) return
      this.pid = pid
      this.emit('spawn')
    })
  }
  postMessage(message: unknown, transfer: PortLike[] = []): void {
    this.sent.push({ message, ports: transfer.length })
    if ((message as { t?: string }).t === 'quit' && this.obedient) this.end(0)
  }
  kill(): boolean {
    if (!this.stubborn) this.end(143)
    return true
  }
  end(code: number): void {
    if (!this.alive) return
    this.alive = false
    this.emit('exit', code)
  }
}

export class FakeWindow extends Emitter {
  readonly sent: { channel: string; ports: number }[] = []
  /** The page's ends of the channels it was given. */
  readonly ports: PortLike[] = []
  visible = false
  destroyed = false
  url = ''
  openDenied = false
  readonly options: BrowserWindowOptions
  readonly webContents: Emitter & WindowLike['webContents']
  constructor(options: BrowserWindowOptions) {
    super()
    this.options = options
    this.webContents = Object.assign(new Emitter(), {
      postMessage: (channel: string, _message: unknown, transfer: PortLike[] = []) => {
        this.sent.push({ channel, ports: transfer.length })
        this.ports.push(...transfer)
      },
      reload: () => void (this.reloads += 1),
      setWindowOpenHandler: (handler: () => { action: string }) => void (this.openDenied = handler().action === 'deny'),
    }) as never
  }
  /** Why the page cannot be loaded, if it cannot. */
  loadError: Error | null = null
  loads = 0
  reloads = 0
  loadURL(url: string): Promise<void> {
    this.url = url
    this.loads += 1
    return this.loadError === null ? Promise.resolve() : Promise.reject(this.loadError)
  }
  show(): void {
    this.visible = true
  }
  hide(): void {
    this.visible = false
  }
  focus(): void {}
  isMinimized(): boolean {
    return false
  }
  restore(): void {}
  isDestroyed(): boolean {
    return this.destroyed
  }
}

export class FakeElectron {
  readonly events = new Emitter()
  readonly utilities: FakeUtility[] = []
  readonly windows: FakeWindow[] = []
  readonly ipc = new Map<
    string,
    (event: { sender: unknown; senderFrame: { url: string; parent: unknown } | null }) => void
  >()
  readonly notices: string[] = []
  readonly asked: string[] = []
  readonly errors: string[] = []
  readonly killedHard: number[] = []
  /** Codes of app.exit. */
  readonly exits: number[] = []
  readonly pages: ((page: WebContentsLike) => void)[] = []
  prepareWindow: (window: FakeWindow) => void = () => undefined
  answer = 0
  hasLock = true
  quits = 0
  mayLoad: ((url: string) => boolean) | null = null
  served = ''
  tray: { state: string; text: string; destroyed: boolean } = { state: '', text: '', destroyed: false }
  trayActions: { open: () => void; quit: () => void } | null = null

  /** Raises before-quit as Electron does; true when the quit was held. */
  quit(): boolean {
    let held = false
    this.events.emit('before-quit', { preventDefault: () => (held = true) })
    if (!held) this.quits += 1
    return held
  }

  readonly api: ShellElectron = {
    app: {
      requestSingleInstanceLock: () => this.hasLock,
      whenReady: () => Promise.resolve(),
      quit: () => void this.quit(),
      exit: (code) => void this.exits.push(code),
      enableSandbox: () => {},
      getVersion: () => '0.0.0-fake',
      on: (event: string, listener: Listener) => this.events.on(event, listener),
    },
    createWindow: (options) => {
      const window = new FakeWindow(options)
      this.windows.push(window)
      for (const listener of this.pages) listener(window.webContents)
      this.prepareWindow(window)
      return window
    },
    onPage: (listener) => void this.pages.push(listener),
    killHard: (pid) => {
      this.killedHard.push(pid)
      this.utilities.find((utility) => utility.pid === pid)?.end(137)
    },
    fork: (entry, _name, environment) => {
      const utility = new FakeUtility(entry, 1_000 + this.utilities.length, environment)
      this.utilities.push(utility)
      return utility
    },
    createPorts: () => ({ port1: {} as PortLike, port2: {} as PortLike }),
    onIpc: (channel, listener) => void this.ipc.set(channel, listener),
    hardenSession: (mayLoad) => void (this.mayLoad = mayLoad),
    serveApp: (root) => void (this.served = root),
    ask: (question) => {
      this.asked.push(question.message)
      return Promise.resolve(this.answer)
    },
    showError: (_title, message) => {
      this.errors.push(message)
      return Promise.resolve()
    },
    notify: (title) => void this.notices.push(title),
    createTray: (actions) => {
      this.trayActions = actions
      return {
        update: (state, text) => void Object.assign(this.tray, { state, text }),
        destroy: () => void (this.tray.destroyed = true),
      }
    },
  }
}
