/** The one window: opened on our page, raised, hidden or closed as the owner chose. */
import type { ShellElectron, WebContentsLike, WindowLike } from './electron-api.ts'
import { APP_URL, windowOptions } from './security.ts'

export type CloseChoice = 'ask' | 'tray' | 'quit'

export interface AppWindowOptions {
  electron: ShellElectron
  preload: string
  isPackaged: boolean
  /** The owner answered the question at the first close. */
  onChoice(choice: 'tray' | 'quit'): void
}

/** A page that keeps crashing is left alone after this many times. */
const RELOADS_MAX = 3

export class AppWindow {
  readonly #options: AppWindowOptions
  #window: WindowLike | null = null
  #asking = false
  #reloads = 0
  closeChoice: CloseChoice = 'ask'
  /** The app goes: closing is no longer held. */
  quitting = false

  constructor(options: AppWindowOptions) {
    this.#options = options
  }

  /** Null while there is no window. */
  get page(): WebContentsLike | null {
    return this.#window?.webContents ?? null
  }

  /** Resolves when the page shows; rejects when it cannot be loaded. */
  async open(): Promise<void> {
    const { electron, preload, isPackaged } = this.#options
    const window = electron.createWindow(windowOptions(preload, isPackaged))
    this.#window = window
    window.on('close', (event) => {
      if (this.quitting || this.closeChoice === 'quit') return
      event.preventDefault()
      void this.#onClose(window)
    })
    window.on('closed', () => {
      this.#window = null
    })
    window.webContents.on('render-process-gone', () => {
      this.#reloads += 1
      if (!this.quitting && !window.isDestroyed() && this.#reloads <= RELOADS_MAX)
        window.loadURL(APP_URL).catch(() => undefined)
    })
    await window.loadURL(APP_URL)
    if (!window.isDestroyed()) window.show()
  }

  /** Raises it, or opens it anew. */
  async show(): Promise<void> {
    const window = this.#window
    if (window === null || window.isDestroyed()) return this.open()
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
  }

  /** Asked once: closing may keep the rig serving, or end everything. */
  async #onClose(window: WindowLike): Promise<void> {
    if (this.closeChoice === 'ask') {
      if (this.#asking) return
      this.#asking = true
      const answer = await this.#options.electron
        .ask({
          message: 'Keep serving when the window is closed?',
          detail:
            'Stoker can stay in the tray and go on serving the jobs it wins, or quit and end every process it started. You can change this in Settings.',
          buttons: ['Stay in the tray', 'Quit', 'Cancel'],
          defaultId: 0,
          cancelId: 2,
        })
        .finally(() => (this.#asking = false))
      if (answer === 2) return
      this.closeChoice = answer === 0 ? 'tray' : 'quit'
      this.#options.onChoice(this.closeChoice)
    }
    if (this.closeChoice === 'tray') window.hide()
    else this.#options.electron.app.quit()
  }
}
