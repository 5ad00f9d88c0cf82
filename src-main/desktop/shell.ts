/**
 * The desktop shell: one instance, one window, one core, its children, a tray. No business logic: what the core asks it does, and on quit
 * it ends every child before it goes. Tested against a double of the API it uses (electron-api.ts).
 */
import type { HostChild, HostReply, HostRequest } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'

import { connectChild, connectRenderer } from './broker.ts'
import { Children, type Child } from './children.ts'
import type { ShellElectron, WindowLike } from './electron-api.ts'
import { APP_URL, CONTENT_SECURITY_POLICY, isOwnPage, lockDown, windowOptions } from './security.ts'

export interface ShellPaths { core: string; engine: string; exchange: string; preload: string; renderer: string; dataDir: string; resources: string }
export interface ShellOptions { electron: ShellElectron; clock: Clock; paths: ShellPaths; isPackaged: boolean; /** Told once the window shows: the launcher waits for it. */ onReady(): void }

/** Cores restarted after a crash before the app says so and ends. */
export const CORE_RESTARTS_MAX = 5
const RESTART_MS = 500

export class Shell {
  readonly #options: ShellOptions
  readonly #children: Children
  readonly #forked = new Map<number, Child>()
  #core: Child | null = null
  #window: WindowLike | null = null
  #tray: ReturnType<ShellElectron['createTray']> | null = null
  #closeChoice: 'ask' | 'tray' | 'quit' = 'ask'
  #restarts = 0
  #quitting = false
  #childrenEnded = false

  constructor(options: ShellOptions) {
    this.#options = options
    this.#children = new Children(options.clock)
  }

  get childCount(): number {
    return this.#children.alive.length
  }

  /** Starts everything; false when another instance runs (its window is raised instead). */
  async start(): Promise<boolean> {
    const { electron, paths } = this.#options
    if (!electron.app.requestSingleInstanceLock()) {
      electron.app.quit()
      return false
    }
    electron.app.enableSandbox()
    electron.app.on('second-instance', () => this.#show())
    electron.app.on('activate', () => this.#show())
    electron.app.on('window-all-closed', () => this.#onAllClosed())
    electron.app.on('before-quit', (event) => this.#beforeQuit(event))
    electron.onIpc('stoker-connect', (event) => {
      if (isOwnPage(event) && this.#core !== null && this.#window !== null) connectRenderer(electron, this.#core.process, this.#window.webContents)
    })
    await electron.app.whenReady()
    electron.hardenSession(CONTENT_SECURITY_POLICY)
    electron.serveApp(paths.renderer)
    this.#tray = electron.createTray({ open: () => this.#show(), quit: () => electron.app.quit() })
    this.#startCore()
    await this.#openWindow()
    this.#options.onReady()
    return true
  }

  #startCore(): void {
    const { electron, paths } = this.#options
    const child = this.#children.add('core', electron.fork(paths.core, 'Stoker core'))
    this.#core = child
    child.process.on('message', (message) => this.#onRequest(message as HostRequest))
    this.#toCore({ t: 'start', dataDir: paths.dataDir, version: electron.app.getVersion(), resourcesDir: paths.resources })
    void child.exited.then((code) => this.#onCoreExit(code))
    if (this.#window !== null) connectRenderer(electron, child.process, this.#window.webContents)
  }

  /** All children of the old core are ended before the next one starts. */
  async #onCoreExit(code: number | null): Promise<void> {
    this.#core = null
    if (this.#quitting) return
    await this.#children.endAll((child) => child.process.kill())
    this.#forked.clear()
    this.#restarts += 1
    if (this.#restarts > CORE_RESTARTS_MAX) {
      this.#options.electron.notify('Stoker stopped', `Its core ended ${this.#restarts} times (last exit code ${code ?? 'none'}). Start it again; nothing settled is lost.`)
      this.#options.electron.app.quit()
      return
    }
    await this.#options.clock.sleep(RESTART_MS * this.#restarts)
    if (!this.#quitting) this.#startCore()
  }

  #onRequest(request: HostRequest): void {
    switch (request.t) {
      case 'ready':
        this.#restarts = 0
        break
      case 'fork':
        this.#fork(request.id, request.child)
        break
      case 'kill':
        this.#forked.get(request.id)?.process.kill()
        break
      case 'notify':
        this.#options.electron.notify(request.title, request.body)
        break
      case 'tray':
        this.#tray?.update(request.state, request.text)
        break
      case 'close-to-tray':
        this.#closeChoice = request.choice
        break
      case 'stopped':
        break
      default:
        request satisfies never
    }
  }

  #fork(id: number, kind: HostChild): void {
    const { electron, paths } = this.#options
    if (this.#core === null || this.#quitting) return
    const core = this.#core
    const child = this.#children.add(kind, electron.fork(paths[kind], `Stoker ${kind}`))
    this.#forked.set(id, child)
    connectChild(electron, core.process, child.process, id)
    void child.exited.then((code) => {
      this.#forked.delete(id)
      if (this.#core === core) this.#toCore({ t: 'exited', id, code })
    })
  }

  #toCore(message: HostReply): void {
    this.#core?.process.postMessage(message)
  }

  async #openWindow(): Promise<void> {
    const { electron, paths, isPackaged } = this.#options
    const window = electron.createWindow(windowOptions(paths.preload, isPackaged))
    this.#window = window
    lockDown(window)
    window.on('close', (event) => {
      if (this.#quitting || this.#closeChoice === 'quit') return
      event.preventDefault()
      void this.#onClose(window)
    })
    window.on('closed', () => {
      this.#window = null
    })
    await window.loadURL(APP_URL)
    window.show()
  }

  /** Asked once: closing may keep the rig serving, or end everything. */
  async #onClose(window: WindowLike): Promise<void> {
    if (this.#closeChoice === 'ask') {
      const answer = await this.#options.electron.ask({
        message: 'Keep serving when the window is closed?',
        detail: 'Stoker can stay in the tray and go on serving the jobs it wins, or quit and end every process it started. You can change this in Settings.',
        buttons: ['Stay in the tray', 'Quit', 'Cancel'],
        defaultId: 0,
        cancelId: 2,
      })
      if (answer === 2) return
      this.#closeChoice = answer === 0 ? 'tray' : 'quit'
      this.#toCore({ t: 'close-to-tray', choice: this.#closeChoice })
    }
    if (this.#closeChoice === 'tray') window.hide()
    else this.#options.electron.app.quit()
  }

  #onAllClosed(): void {
    if (this.#closeChoice === 'quit') this.#options.electron.app.quit()
  }

  #show(): void {
    if (this.#window === null || this.#window.isDestroyed()) {
      void this.#openWindow()
      return
    }
    if (this.#window.isMinimized()) this.#window.restore()
    this.#window.show()
    this.#window.focus()
  }

  /** Holds the quit until every child has ended: the core first (it drains and closes its databases), then whatever is left. */
  #beforeQuit(event: { preventDefault(): void }): void {
    if (this.#childrenEnded) return
    event.preventDefault()
    if (this.#quitting) return
    this.#quitting = true
    void this.#endEverything()
  }

  async #endEverything(): Promise<void> {
    const core = this.#core
    if (core !== null) await this.#children.end(core, () => core.process.postMessage({ t: 'quit' } satisfies HostReply))
    await this.#children.endAll((child) => child.process.kill())
    this.#tray?.destroy()
    this.#childrenEnded = true
    this.#options.electron.app.quit()
  }
}
