/**
 * The life of the core in its utility process: started, given the page's channel, ended, all as the shell says. What it
 * starts is handed in.
 */
import type { Channel } from '#contract/channel/channel.ts'
import { StokerError } from '#contract/errors.ts'
import type { ShellReply } from '#contract/host.ts'
import { inDiskWords } from '#lib/disk-failure.ts'
import type { Log } from '#lib/log.ts'

import { ShellLink, type ParentPort } from './shell-link.ts'

export interface StartedCore {
  /** Speaks the contract over the page's channel until it closes. */
  serve(channel: Channel): void
  /** The owner chose in the close dialog. */
  storeCloseChoice(choice: 'tray' | 'quit'): void
  /** Every child ended, every file closed. */
  stop(): Promise<void>
}

export interface HostedCoreOptions {
  parent: ParentPort
  /**
   * A StokerError is shown to the owner and ends the app; anything else ends this process, and the shell starts another
   * one.
   */
  start: (message: Extract<ShellReply, { t: 'start' }>, link: ShellLink) => StartedCore | Promise<StartedCore>
  exit: (code: number) => void
  log: Log
}

export function hostCore({ parent, start, exit, log }: HostedCoreOptions): void {
  let core: StartedCore | null = null
  let page: Channel | null = null
  let isStarting = false
  let stopping = false

  /** There is one page: its next channel ends the one before, which a reload may have left open. */
  const onRenderer = (channel: Channel): void => {
    page?.close('the page connected again')
    page = channel
    core?.serve(channel)
  }
  const onStart = async (message: Extract<ShellReply, { t: 'start' }>): Promise<void> => {
    if (core !== null || isStarting || stopping) return
    isStarting = true
    try {
      const starting = start(message, link)
      core = starting instanceof Promise ? await starting : starting
    } catch (error) {
      const known = inDiskWords(error)
      // The shell shows it and then asks this process to quit.
      if (known instanceof StokerError) return link.tell({ t: 'failed', code: known.code, message: known.message })
      log.error({ err: error }, 'the core could not start')
      return exit(1)
    }
    // Told to quit meanwhile: that has ended this process, or does so now.
    if (stopping) return
    if (page !== null) core.serve(page)
    link.tell({ t: 'ready' })
  }
  const onQuit = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    page?.close('Stoker quits')
    await core?.stop().catch((error: unknown) => log.error({ err: error }, 'the core did not stop cleanly'))
    link.tell({ t: 'stopped' })
    exit(0)
  }
  const link = new ShellLink(parent, {
    onStart: (message) => void onStart(message),
    onRenderer,
    onCloseToTray: (choice) => core?.storeCloseChoice(choice),
    onQuit: () => void onQuit(),
  })
}
