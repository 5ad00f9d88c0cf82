/** A rig of real processes that faults of a schedule befall; it starts the core again, the rest comes back by itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { until } from '#cli/demo/demo-loop.ts'
import { childrenOf, hostOf, isAlive, processes } from '#test/support/processes.ts'
import { startRig, type Rig } from '#test/support/rig.ts'

import type { Fault, Target } from './fault-schedule.ts'
import type { KillPlan } from './kill-at-commit.ts'

const MAIN = resolve(import.meta.dirname, '../../src-main/cli/main.ts')
const PRELOAD = resolve(import.meta.dirname, 'kill-in-rig.ts')
const ARGS = ['--no-practice-buyer']
/** A host may be waited for by its supervisor's back-off; a sale may wait for a self-check. */
const BACK_MS = 180_000
/** What a host takes to start, roughly: a kill falls within it. */
const HOST_START_MS = 1_200
const LOOK_MS = 4

export class FaultyRig {
  rig: Rig
  /** Ends of a core that no fault meant, with its last words. */
  readonly unmeant: string[] = []
  /** Every process that was seen below it, with its command: a number may be given again. */
  readonly #seen = new Map<number, string>()
  readonly #dir: string
  readonly #plans: Record<'core' | 'exchange', string>
  #startMs = 0

  private constructor(dir: string, plans: Record<'core' | 'exchange', string>, rig: Rig) {
    this.#dir = dir
    this.#plans = plans
    this.rig = rig
  }

  /** `folder` gets a data folder `rig` and the plans of kills at a commit. */
  static async start(folder: string): Promise<FaultyRig> {
    const dir = join(folder, 'rig')
    const plans = { core: join(folder, 'kill-core.json'), exchange: join(folder, 'kill-exchange.json') }
    const from = performance.now()
    const made = new FaultyRig(dir, plans, await startRig(FaultyRig.#options(dir, plans)))
    made.#startMs = performance.now() - from
    return made
  }

  static #options(dir: string, { core, exchange }: Record<'core' | 'exchange', string>) {
    return {
      dir,
      args: ARGS,
      node: ['--import', PRELOAD, MAIN],
      env: { STOKER_TEST_KILL: core, STOKER_TEST_KILL_EXCHANGE: exchange },
    }
  }

  get dir(): string {
    return this.#dir
  }

  /** Where it is now: the exchange keeps its port unless another program took it while it was away. */
  get exchangeUrl(): string {
    const port = readFileSync(join(this.#dir, 'exchange-port'), 'utf8').trim()
    return `http://127.0.0.1:${port}`
  }

  /** Of those that befall the rig. Resolves when the fault is over; what it hit may not be back yet. */
  async suffer(fault: Exclude<Fault, { kind: 'migration' | 'restore' }>): Promise<string> {
    if (this.rig.process.exitCode !== null || this.rig.process.signalCode !== null) {
      this.unmeant.push(`before fault ${fault.number}: ${this.rig.stderr().slice(-500)}`)
      await this.#again()
    }
    this.#look()
    switch (fault.kind) {
      case 'kill':
        return this.#kill([await this.#pid(fault.target)], 0)
      case 'pair':
        return this.#kill([await this.#pid(fault.targets[0]), await this.#pid(fault.targets[1])], fault.gapMs)
      case 'stop':
        return this.#stop(await this.#pid(fault.target), fault.forMs)
      case 'start':
        return fault.target === 'core' ? this.#killStart(fault.share) : this.#killHostStart(fault.target, fault.share)
      case 'settlement':
        return this.#killAtCommit(fault.target, fault.at)
    }
  }

  /** Processes of this rig that still run. */
  left(): string[] {
    return processes()
      .filter(({ pid, command }) => command.includes(this.#dir) || this.#seen.get(pid) === command)
      .map(({ pid, command }) => `${pid} ${command}`)
  }

  #look(): void {
    for (const { pid, command } of childrenOf(this.rig.pid)) this.#seen.set(pid, command)
  }

  async #pid(target: Target): Promise<number> {
    if (target === 'core') return this.rig.pid
    const { pid, command } = await until(`the ${target}`, () => hostOf(this.rig.pid, target) ?? null, BACK_MS)
    this.#seen.set(pid, command)
    return pid
  }

  async #kill(pids: readonly number[], gapMs: number): Promise<string> {
    this.#look()
    for (const [index, pid] of pids.entries()) {
      if (index > 0) await sleep(gapMs)
      // One of two may have ended by the other's end.
      if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
    if (pids.includes(this.rig.pid)) await this.#again()
    return 'killed'
  }

  /** Once nothing of the one before runs any more. */
  async #again(): Promise<void> {
    await this.#gone()
    this.rig = await startRig(FaultyRig.#options(this.#dir, this.#plans))
    this.#look()
  }

  readonly #gone = async (): Promise<void> => {
    await until('the end of what the core had started', () => (this.left().length === 0 ? true : null), BACK_MS)
  }

  async #stop(pid: number, forMs: number): Promise<string> {
    process.kill(pid, 'SIGSTOP')
    const end = performance.now() + forMs
    // Its supervisor may replace it meanwhile, and somebody else get its number later.
    while (performance.now() < end && isAlive(pid)) await sleep(Math.min(250, Math.max(1, end - performance.now())))
    if (!isAlive(pid)) return 'replaced meanwhile'
    process.kill(pid, 'SIGCONT')
    return 'went on'
  }

  async #killStart(share: number): Promise<string> {
    await this.#killCoreOnly()
    const { dir, args, node, env } = FaultyRig.#options(this.#dir, this.#plans)
    const child = spawn(process.execPath, [...node, 'serve', '--json', '--data', dir, '--port', '0', ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let ready = false
    child.stdout.once('data', () => (ready = true))
    const exit = once(child, 'exit')
    await sleep(share * this.#startMs)
    for (const { pid, command } of childrenOf(child.pid!)) this.#seen.set(pid, command)
    child.kill('SIGKILL')
    await exit
    await this.#again()
    return ready ? 'killed just after its start' : 'killed in its start'
  }

  async #killCoreOnly(): Promise<void> {
    this.#look()
    await this.rig.kill('SIGKILL')
    await this.#gone()
  }

  async #killHostStart(target: 'engine' | 'exchange', share: number): Promise<string> {
    const first = await this.#pid(target)
    process.kill(first, 'SIGKILL')
    const second = await this.#next(target, first)
    await sleep(share * HOST_START_MS)
    if (!isAlive(second)) return 'ended by itself in its start'
    process.kill(second, 'SIGKILL')
    return 'killed in its start'
  }

  async #next(target: 'engine' | 'exchange', before: number): Promise<number> {
    const end = performance.now() + BACK_MS
    for (;;) {
      const now = hostOf(this.rig.pid, target)
      if (now !== undefined && now.pid !== before) {
        this.#seen.set(now.pid, now.command)
        return now.pid
      }
      if (performance.now() > end) throw new Error(`no other ${target} came`)
      await sleep(LOOK_MS)
    }
  }

  async #killAtCommit(target: 'core' | 'exchange', at: KillPlan['at']): Promise<string> {
    const pid = await this.#pid(target)
    writeFileSync(this.#plans[target], JSON.stringify({ receipts: 1, at } satisfies KillPlan))
    try {
      await until(
        `a receipt booked by the ${target}`,
        () => (existsSync(this.#plans[target]) || isAlive(pid) ? null : true),
        BACK_MS,
      )
    } finally {
      rmSync(this.#plans[target], { force: true })
    }
    if (target === 'core') await this.#again()
    return 'killed at a commit'
  }
}
