/**
 * The desktop shell: one instance, one window, one core, its children, a tray. No business logic: what the core asks it
 * does, and on quit it ends every child before it goes. Tested against a double of the API it uses (electron-api.ts).
 */
import type { HostChild, ShellReply, ShellRequest } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'
import { boundToGpu } from '#engine/client/gpu-environment.ts'
import { CHILD_POLICIES, pauseAfter } from '#lib/supervise.ts'

import { AppWindow } from './app-window.ts'
import { connectChild, connectRenderer } from './broker.ts'
import { Children, type Child } from './children.ts'
import type { ShellElectron } from './electron-api.ts'
import { isOwnPage, lockDown, mayLoad } from './security.ts'

export interface ShellPaths {
  core: string
  engine: string
  exchange: string
  preload: string
  renderer: string
  dataDir: string
  resources: string
}
export interface ShellOptions {
  electron: ShellElectron
  clock: Clock
  paths: ShellPaths
  isPackaged: boolean
  /** Told once the window shows: the launcher waits for it. */
  onReady: () => void
  /** The core cannot run here, for a reason the owner can mend; the app ends after the owner has read it. */
  onFailed: (message: string) => void
  /** A line for the owner who looks at the terminal. */
  onNote: (line: string) => void
}

/** Cores restarted after a crash before the app says so and ends. */
export const CORE_RESTARTS_MAX = CHILD_POLICIES.desktopCore.failuresMax - 1
/** A page that did not ask the next core for a channel by then never noticed the end of the old one. */
const PAGE_NOTICES_MS = 10_000
/** The app's exit code when its core cannot run: the owner has something to mend. */
export const EXIT_FAILED = 3

export class Shell {
  readonly #options: ShellOptions
  readonly #children: Children
  readonly #forked = new Map<number, Child>()
  readonly #window: AppWindow
  #core: Child | null = null
  #tray: ReturnType<ShellElectron['createTray']> | null = null
  /** The page asked for a channel while there was no core. */
  #pageWaits = false
  /** The core the page has its channel to. */
  #pageHas: Child | null = null
  #restarts = 0
  #isReady = false
  #quitting = false
  #childrenEnded = false
  #exitCode = 0

  constructor(options: ShellOptions) {
    const { electron, clock, paths, isPackaged } = options
    this.#options = options
    this.#children = new Children(clock, (pid) => electron.killHard(pid))
    this.#window = new AppWindow({
      electron,
      preload: paths.preload,
      isPackaged,
      onChoice: (choice) => this.#toCore({ t: 'close-to-tray', choice }),
    })
  }

  get childCount(): number {
    return this.#children.alive.length
  }

  /**
   * Starts everything; false when another instance runs (its window is raised instead). Rejects, with everything ended,
   * when the window cannot be had.
   */
  async start(): Promise<boolean> {
    const { electron, paths, isPackaged } = this.#options
    if (!electron.app.requestSingleInstanceLock()) {
      electron.app.quit()
      return false
    }
    electron.app.enableSandbox()
    electron.onPage(lockDown)
    electron.app.on('second-instance', () => this.#show())
    electron.app.on('activate', () => this.#show())
    electron.app.on('window-all-closed', () => this.#window.closeChoice === 'quit' && electron.app.quit())
    electron.app.on('before-quit', (event) => this.#beforeQuit(event))
    electron.onIpc('stoker-connect', (event) => {
      const { page } = this.#window
      if (page !== null && isOwnPage(event, page)) this.#connectPage()
    })
    await electron.app.whenReady()
    if (this.#quitting) return true
    electron.hardenSession((url) => mayLoad(url, isPackaged))
    electron.serveApp(paths.renderer)
    this.#tray = electron.createTray({ open: () => this.#show(), quit: () => electron.app.quit() })
    this.#startCore()
    try {
      await this.#window.open()
    } catch (error) {
      // A quit while the page loads ends the load; that is no failure.
      if (this.#quitting) return true
      this.#quitting = true
      await this.#endChildren()
      throw error
    }
    this.#isReady = true
    if (!this.#quitting) this.#options.onReady()
    return true
  }

  #show(): void {
    // Before that the window is on its way anyway.
    if (this.#isReady && !this.#quitting) this.#window.show().catch(() => undefined)
  }

  /** A page that asks while the core restarts gets its channel with the next core. */
  #connectPage(): void {
    const { page } = this.#window
    const core = this.#core?.hasExited() === false ? this.#core : null
    this.#pageWaits = core === null
    if (core === null || page === null) return
    this.#pageHas = core
    connectRenderer(this.#options.electron, core.process, page)
  }

  /**
   * The page hears of a closed port and asks again; one that had a channel to an earlier core and does not ask is
   * loaded anew.
   */
  async #reconnectPage(): Promise<void> {
    const core = this.#core
    if (this.#pageHas === null || this.#pageHas === core) return
    await this.#options.clock.sleep(PAGE_NOTICES_MS)
    if (!this.#quitting && this.#core === core && this.#pageHas !== core) this.#window.page?.reload()
  }

  #startCore(): void {
    const { electron, paths } = this.#options
    const child = this.#children.add('core', electron.fork(paths.core, 'Stoker core'))
    this.#core = child
    child.process.on('message', (message) => {
      if (this.#core === child) this.#onRequest(message as ShellRequest)
    })
    this.#toCore({
      t: 'start',
      dataDir: paths.dataDir,
      version: electron.app.getVersion(),
      resourcesDir: paths.resources,
    })
    void child.exited.then((code) => this.#onCoreExit(code))
    if (this.#pageWaits) this.#connectPage()
  }

  /** All children of the old core are ended before the next one starts. */
  async #onCoreExit(code: number | null): Promise<void> {
    this.#core = null
    if (this.#quitting) return
    this.#tray?.update('attention', 'restarting')
    await this.#children.killAll()
    this.#forked.clear()
    this.#restarts += 1
    if (this.#restarts > CORE_RESTARTS_MAX)
      return this.#fail(
        `Its core ended ${this.#restarts} times in a row (last exit code ${code ?? 'none'}). Start it again; nothing settled is lost.`,
      )
    await this.#options.clock.sleep(pauseAfter(CHILD_POLICIES.desktopCore, this.#restarts))
    if (!this.#quitting) this.#startCore()
  }

  #onRequest(request: ShellRequest): void {
    switch (request.t) {
      case 'ready':
        this.#restarts = 0
        void this.#reconnectPage()
        break
      case 'fork':
        this.#fork(request.id, request.child, request.gpu)
        break
      case 'kill': {
        const child = this.#forked.get(request.id)
        if (child !== undefined) void this.#children.kill(child)
        break
      }
      case 'migrating':
        this.#tray?.update('off', request.text)
        this.#options.onNote(request.text)
        break
      case 'notify':
        this.#options.electron.notify(request.title, request.body)
        break
      case 'tray':
        this.#tray?.update(request.state, request.text)
        break
      case 'close-to-tray':
        this.#window.closeChoice = request.choice
        break
      case 'failed':
        void this.#fail(request.message)
        break
      case 'stopped':
        break
      default:
        request satisfies never
    }
  }

  /** The two ends are given out once the process is there: before that it has no pid. */
  #fork(id: number, kind: HostChild, gpu?: number): void {
    const { electron, paths } = this.#options
    const core = this.#core
    if (core === null) return
    // The core waits for the end of what it started, also of what is no longer started.
    if (this.#quitting) return this.#toCore({ t: 'exited', id, code: null })
    const child = this.#children.add(
      kind,
      electron.fork(paths[kind], `Stoker ${kind}`, gpu === undefined ? undefined : boundToGpu(process.env, gpu)),
    )
    this.#forked.set(id, child)
    child.process.on('spawn', () => {
      if (this.#core === core) connectChild(electron, core.process, child.process, id, paths.dataDir)
    })
    void child.exited.then((code) => {
      if (this.#core !== core) return
      this.#forked.delete(id)
      this.#toCore({ t: 'exited', id, code })
    })
  }

  #toCore(message: ShellReply): void {
    this.#core?.process.postMessage(message)
  }

  /** Tells the owner why there is no core, then ends with a code that says so. */
  async #fail(message: string): Promise<void> {
    const { electron, onFailed } = this.#options
    if (this.#quitting || this.#exitCode !== 0) return
    this.#exitCode = EXIT_FAILED
    onFailed(message)
    await electron.showError('Stoker stopped', message)
    electron.app.quit()
  }

  /**
   * Holds the quit until every child has ended: the core first (it drains and closes its databases), then whatever is
   * left.
   */
  #beforeQuit(event: { preventDefault(): void }): void {
    if (this.#childrenEnded) return
    event.preventDefault()
    if (this.#quitting) return
    this.#quitting = true
    void this.#endEverything()
  }

  async #endEverything(): Promise<void> {
    const { app } = this.#options.electron
    await this.#endChildren()
    if (this.#exitCode === 0) app.quit()
    else app.exit(this.#exitCode)
  }

  async #endChildren(): Promise<void> {
    this.#window.quitting = true
    const core = this.#core
    if (core !== null) await this.#children.end(core, () => this.#toCore({ t: 'quit' }))
    await this.#children.killAll()
    this.#tray?.destroy()
    this.#childrenEnded = true
  }
}
