/**
 * `npm run bench:weight [-- --rounds 3]`: what a screen of the built console weighs on the wire, and how long Home takes
 * until it can be used, in a Chromium at 4 Mbit/s and 100 ms (CDP's network emulation) with an empty cache. The console
 * is served by the code that the headless server uses, over a Fake core with invented figures. Bars: Home 300 kB, 3 s.
 */
import { existsSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { chromium, type Browser, type CDPSession, type Page } from '@playwright/test'

import { CHROMIUM_FLAGS, findChromium } from '../../test/e2e/browser.ts'
import { hashOf, PAGES, type PageName } from '../../test/e2e/page-names.ts'
import { startFakeServer } from '../../test/support/fake-server.ts'
import { cpuModel } from './serve/proc.ts'

const LINK = { bitsPerSecond: 4_000_000, latencyMs: 100 }
const BAR = { bytes: 300_000, ms: 3_000 }
const ROUNDS_MAX = 20

interface Weight {
  /** Bodies and heads of every HTTP answer, as they were sent. */
  readonly bytes: number
  readonly files: number
  /** Text of the console's socket, which the browser neither compresses nor slows down. */
  readonly socketBytes: number
  /** From the beginning of the navigation to a screen with its sentence, nothing loading, a control to press. */
  readonly usableMs: number
}

/** Counts until it is read. */
function counting(cdp: CDPSession): () => Omit<Weight, 'usableMs'> {
  let [bytes, files, socketBytes] = [0, 0, 0]
  cdp.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength
    files += 1
  })
  cdp.on('Network.webSocketFrameReceived', ({ response }) => void (socketBytes += response.payloadData.length))
  return () => ({ bytes, files, socketBytes })
}

/** In the page: the time when it has its sentence, nothing loads, and there is something to press. */
const USABLE = `(() => {
  const [title, main] = [document.querySelector('h1'), document.querySelector('main')]
  if (title === null || main === null || /Reading|Connecting/.test(title.textContent)) return null
  if (main.querySelector('.bone') !== null || document.querySelector('nav a, main button') === null) return null
  return performance.now()
})()`

/** Milliseconds since the navigation began, once the page can be used. */
async function usable(page: Page): Promise<number> {
  const seen = await page.waitForFunction(USABLE, undefined, { polling: 'raf', timeout: 120_000 })
  return Number(await seen.jsonValue())
}

/** One load with an empty cache; with `again` a second one of the same page, from what the first one left. */
async function load(browser: Browser, url: string, name: PageName, again = false): Promise<Weight> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1440, height: 900 } })
  try {
    const page = await context.newPage()
    if (again) {
      await page.goto(`${url}${hashOf(name)}`)
      await usable(page)
      await page.waitForLoadState('networkidle')
    }
    const cdp = await context.newCDPSession(page)
    await cdp.send('Network.enable')
    const throughput = LINK.bitsPerSecond / 8
    await cdp.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: LINK.latencyMs,
      downloadThroughput: throughput,
      uploadThroughput: throughput,
    })
    const count = counting(cdp)
    if (again) await page.reload({ waitUntil: 'commit' })
    else await page.goto(`${url}${hashOf(name)}`, { waitUntil: 'commit' })
    const usableMs = await usable(page)
    await page.waitForLoadState('networkidle')
    return { ...count(), usableMs }
  } finally {
    await context.close()
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

async function repeat(rounds: number, one: () => Promise<Weight>): Promise<Weight> {
  const all: Weight[] = []
  for (let round = 0; round < rounds; round++) all.push(await one())
  const of = (part: keyof Weight): number => median(all.map((each) => each[part]))
  return { bytes: of('bytes'), files: of('files'), socketBytes: of('socketBytes'), usableMs: of('usableMs') }
}

const kB = (bytes: number): string => (bytes / 1_000).toFixed(1)

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
  console.error(`--rounds is a whole number from 1 to ${ROUNDS_MAX}, not "${values.rounds}".`)
  process.exit(2)
}
const executablePath = findChromium()
if (executablePath === undefined) {
  console.error('There is no Chromium on this machine; set STOKER_CHROMIUM.')
  process.exit(1)
}
if (!existsSync(resolve(import.meta.dirname, '../../out/renderer/index.html'))) {
  console.error('The screens are not built: npm run build.')
  process.exit(1)
}
const server = await startFakeServer({ scenario: 'busy' })
const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] })
try {
  console.log(
    `${cpuModel()}, ${availableParallelism()} cores, load ${loadavg()[0]!.toFixed(1)}; ` +
      `4 Mbit/s, 100 ms; medians of ${rounds}\n\n| screen | kB on the wire | files | s until usable | kB of the socket |\n|---|---|---|---|---|`,
  )
  const line = (name: string, { bytes, files, usableMs, socketBytes }: Weight): void =>
    console.log(`| ${name} | ${kB(bytes)} | ${files} | ${(usableMs / 1_000).toFixed(2)} | ${kB(socketBytes)} |`)
  let home: Weight | null = null
  for (const name of PAGES) {
    const weight = await repeat(rounds, () => load(browser, server.url, name))
    line(name, weight)
    if (name === 'home') home = weight
  }
  line('home, loaded again', await repeat(rounds, () => load(browser, server.url, 'home', true)))
  const word = (kept: boolean): string => (kept ? 'pass' : '**miss**')
  console.log(
    `\nHome: ${word(home!.bytes <= BAR.bytes)} ${kB(home!.bytes)} of ${kB(BAR.bytes)} kB, ` +
      `${word(home!.usableMs <= BAR.ms)} ${(home!.usableMs / 1_000).toFixed(2)} of ${BAR.ms / 1_000} s`,
  )
  if (home!.bytes > BAR.bytes || home!.usableMs > BAR.ms) process.exitCode = 1
} finally {
  await browser.close()
  await server.close()
}
