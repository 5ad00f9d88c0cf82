/** `stoker serve`: the headless console. */
import { resolve } from 'node:path'

import type { Command } from 'commander'

import { cudaFolder, cudaInstalled, cudaUsable, projectRoot } from '#engine/cuda.ts'
import { dataOption } from '#lib/data-directory.ts'
import { isLoopback } from '#lib/host-names.ts'

import { DATA_OPTION, integer } from '../shared-options.ts'
import { note, printJson, printLine, venueNote } from '../output.ts'
import { untilSignal } from '../signals.ts'
import { watchUnspokenEnd } from '../unspoken-end.ts'
import { VERSION } from '../version.ts'

/** Registered for nobody; a bookmark stays good. Where it is taken and no port was asked for, any free one is used. */
const PORT = 7_413

interface ServeOptions {
  data: string
  port?: number
  host: string
  exchangePort?: number
  allowHost: string[]
  tlsCert?: string
  tlsKey?: string
  insecureListen?: boolean
  practiceBuyer: boolean
  json?: boolean
}

async function serve(options: ServeOptions): Promise<void> {
  const { host, practiceBuyer, allowHost: allowHosts } = options
  const given = Object.fromEntries(
    Object.entries({
      tlsCert: options.tlsCert,
      tlsKey: options.tlsKey,
      insecureListen: options.insecureListen,
      exchangePort: options.exchangePort,
    }).filter(([, value]) => value !== undefined),
  )
  const signal = untilSignal()
  const { startRuntime } = await import('#server/runtime.ts')
  watchUnspokenEnd(resolve(options.data))
  const runtime = await startRuntime({
    dataDir: resolve(options.data),
    host,
    port: options.port ?? PORT,
    orAnyPort: options.port === undefined,
    practiceBuyer,
    allowHosts,
    version: VERSION,
    onProgress: note,
    ...given,
  })
  const link = runtime.link()
  if (options.json === true) printJson({ url: runtime.url, link, exchangeUrl: runtime.exchangeUrl, pid: process.pid })
  else {
    printLine(
      `Stoker is running. Open this link (one use, ten minutes; a new one: npm run -s stoker -- link${dataOption(options.data)}):\n\n  ${link}\n`,
    )
    printLine(`Practice exchange: ${runtime.exchangeUrl} (${venueNote()}). Stop with Ctrl+C.`)
  }
  if (!isLoopback(host) && options.tlsCert === undefined)
    note(
      `Warning: ${host} is served without TLS. Anyone on that network can read and take over this console; use --tls-cert and --tls-key.`,
    )
  const root = projectRoot()
  if (!runtime.hasScreens)
    note(
      `The screens are not built, so that link shows none: run \`npm run build\` in ${root ?? 'the checkout'}, then reload the page.`,
    )
  if (root !== null && cudaUsable() && !cudaInstalled(cudaFolder(root)))
    note(
      'An NVIDIA card is here, but no CUDA build of the engine: `npm run -s stoker -- engine add cuda` fetches it. Until then Vulkan or the processor serves.',
    )
  await signal
  await runtime.stop()
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the console without a screen of its own and print a link to it')
    .option(...DATA_OPTION)
    .option(
      '--port <n>',
      `port of the console; 0 picks a free one (default: ${PORT}, or a free one when that is taken)`,
      integer(0, 65_535),
    )
    .option(
      '--host <address>',
      'address to listen on; another than this machine needs TLS files or --insecure-listen',
      '127.0.0.1',
    )
    .option('--exchange-port <n>', 'port of the embedded exchange (default: a free one)', integer(0, 65_535))
    .option('--allow-host <name...>', 'further names the console may be addressed by, for instance behind a proxy', [])
    .option('--tls-cert <file>', 'certificate chain (PEM)')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--insecure-listen', 'serve plain HTTP to other machines; everything can be read on the way')
    .option('--no-practice-buyer', 'switch the labelled practice buyer off')
    .option('--json', 'print one line {"url","link","exchangeUrl","pid"}')
    .action(serve)
}
