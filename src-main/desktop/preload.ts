/**
 * The only bridge into the page: it asks the shell for a channel to the core and hands the page's end over. Built as
 * CommonJS, since a sandboxed preload cannot be a module.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron'

/** The page's window, by the one method used here: this project's main code is checked without the DOM's types. */
const page = globalThis as unknown as { postMessage(message: unknown, targetOrigin: string, transfer: unknown[]): void }

ipcRenderer.on('stoker-port', (event) => {
  // The page listens for exactly this message; a port cannot cross the context bridge in any other way. Only this
  // window hears it, and only our page is ever in it.
  page.postMessage('stoker-port', '*', event.ports)
})

contextBridge.exposeInMainWorld('stoker', {
  connect: () => ipcRenderer.send('stoker-connect'),
  /** The path of a file dropped on the page, '' for one that has none. */
  pathOf: (file: Parameters<typeof webUtils.getPathForFile>[0]) => webUtils.getPathForFile(file),
})
