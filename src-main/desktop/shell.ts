/**
 * The desktop shell: one instance, one window, one core, its children, a tray. No business logic: what the core asks it
 * does, and on quit it ends every child before it goes. Tested against a double of the API it uses (electron-api.ts).
 */
import { fail } from '#contract/errors.ts'
import type { HostChild, ShellReply, ShellRequest } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'
import { boundToGpu } from '#engine/client/gpu-environment.ts'
import { childEnvironment } from '#lib/child-environment.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import type { Log } from '#lib/log.ts'
import { SupervisedChild, type ChildState, type LifeSigns, type SupervisedLife } from '#lib/supervise.ts'

import { AppWindow } from './app-window.ts'
import { connectChild, connectRenderer } from './broker.ts'
import { Children, type Child } from './children.ts'
import type { ShellElectron } from './electron-api.ts'
import { isOwnPage, lockDown, mayLoad } from './security.ts'

export interface ShellPaths {
  core: string
  engine: string
  exchange: string
  sensors: string
  preload: string
  renderer: string
  dataDir: string
  resources: string
}
export interface ShellOptions {
  electron: ShellElectron
  clock: Clock
  log: Log
  paths: ShellPaths
  isPackaged: boolean
  /** Told once the window shows: the launcher waits for it. */
  onReady: () => void
  /** The core cannot run here, for a reason the owner can mend; the app ends after the owner has read it. */
  onFailed: (message: string) => void
  /** A line for the owner who looks at the terminal. */
  onNote: (line: string) => void
}

/** A page that did not ask the next core for a channel by then never noticed the end of the old one. */
const PAGE_NOTICES_MS = 10_000
/** The app's exit code when its core cannot run: the owner has something to mend. */
export const EXIT_FAILED = 3

export class Shell {
  readonly #options: ShellOptions
  readonly #children: Children
  readonly #forked = new Map<number, Child>()
  readonly #window: AppWindow
  readonly #supervised: SupervisedChild<SupervisedLife>
  #core: Child | null = null
  #tray: ReturnType<ShellElectron['createTray']> | null = null
  /** The page asked for a channel while there was no core. */
  #pageWaits = false
  /** The core the page has its channel to. */
  #pageHas: Child | null = null
  #isReady = false
  #quitting = false
  #childrenEnded = false
  #exitCode = 0

  constructor(options: ShellOptions) {
    const { electron, clock, log, paths, isPackaged } = options
    this.#options = options
    this.#children = new Children(
      clock,
      (pid) => electron.killHard(pid),
      (text) => void process.stderr.write(text),
      paths.dataDir,
    )
    this.#supervised = new SupervisedChild({
      name: 'core',
      policy: CHILD_POLICIES.core,
      clock,
      log,
      start: (signs) => this.#forkCore(signs),
      // All children of the old core are ended before the next one starts.
      clean: () => this.#endForked(),
      failed: () => fail('core.ended'),
      onState: (state) => this.#onCoreState(state),
    })
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
    this.#supervised.started().catch(() => undefined)
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

  #forkCore(signs: LifeSigns): SupervisedLife {
    const { electron, paths } = this.#options
    const child = this.#children.add(
      'core',
      electron.fork(paths.core, 'Stoker core', childEnvironment('core', process.env)),
    )
    this.#core = child
    child.process.on('message', (message) => {
      signs.heard()
      if (this.#core === child) this.#onRequest(message as ShellRequest, signs)
    })
    this.#toCore({
      t: 'start',
      dataDir: paths.dataDir,
      version: electron.app.getVersion(),
      resourcesDir: paths.resources,
    })
    if (this.#pageWaits) this.#connectPage()
    return {
      pid: child.process.pid ?? null,
      ask: () => child.process.postMessage({ t: 'quit' } satisfies ShellReply),
      terminate: () => void child.process.kill(),
      kill: () => child.kill(),
      onExit: (listener) =>
        void child.exited.then((how) => {
          if (this.#core === child) this.#core = null
          if (!this.#quitting) this.#tray?.update('attention', 'restarting')
          listener(how)
        }),
    }
  }

  async #endForked(): Promise<void> {
    await this.#children.endAll()
    this.#forked.clear()
  }

  #onCoreState(state: ChildState): void {
    if (state.kind !== 'givenUp') return
    const { code, words, cause } = state.last
    const last = words === '' ? `last exit code ${code ?? 'none'}` : words
    const what =
      cause === 'unstartable'
        ? 'Its core could not be started'
        : `Its core ended ${state.failures === 1 ? 'once' : `${state.failures} times in a row`} (${last})`
    void this.#fail(`${what}. Start it again; nothing settled is lost.`)
  }

  #onRequest(request: ShellRequest, signs: LifeSigns): void {
    switch (request.t) {
      case 'ready':
        signs.ready()
        void this.#reconnectPage()
        break
      case 'alive':
        break
      case 'fork':
        this.#fork(request.id, request.child, request.gpu)
        break
      case 'kill': {
        const child = this.#forked.get(request.id)
        if (child === undefined) break
        // Who asks has a supervisor of its own, which takes the next step itself.
        if (request.hard) child.kill()
        else child.process.kill()
        break
      }
      case 'busy':
        if (request.task === null) signs.done()
        else {
          signs.busy(request.task, request.text)
          this.#tray?.update('off', request.text)
          this.#options.onNote(request.text)
        }
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
    if (this.#quitting) return this.#toCore({ t: 'exited', id, code: null, words: '' })
    const passed = childEnvironment(kind, process.env)
    const child = this.#children.add(
      kind,
      electron.fork(paths[kind], `Stoker ${kind}`, gpu === undefined ? passed : boundToGpu(passed, gpu)),
    )
    this.#forked.set(id, child)
    child.process.on('spawn', () => {
      if (this.#core === core) connectChild(electron, core.process, child.process, id, paths.dataDir)
    })
    void child.exited.then(({ code, words = '' }) => {
      if (this.#core !== core) return
      this.#forked.delete(id)
      this.#toCore({ t: 'exited', id, code, words })
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
    await this.#supervised.stop()
    await this.#children.endAll()
    this.#tray?.destroy()
    this.#childrenEnded = true
  }
}
