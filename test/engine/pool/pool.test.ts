/** The pool over members that the test plays: whose turn, which member, what happens when one fails. */
import { beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { EnginePort, EngineSettings, SubmitOptions } from '#core/engine/engine.port.ts'
import { localKind } from '#engine/pool/local-pool.ts'
import { createPool } from '#engine/pool/pool.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'
import { FakeMember } from '#test/support/fake-member.ts'

import { ask, SHA, submit } from '../engine-support.ts'

const FILE = { path: '/models/a.gguf', sha256: SHA }
const SETTINGS: EngineSettings = {
  contextTokens: 256,
  slots: 4,
  threads: 4,
  gpuLayers: 0,
  processes: 2,
  prefixReuse: true,
}
const SYSTEM = 'You answer questions about the weather in short sentences, and about nothing else at all.'

let clock: FakeClock
let members: FakeMember[]
let pool: EnginePort
beforeEach(() => {
  clock = new FakeClock()
  members = []
  const kind = localKind(() => {
    const member = new FakeMember(`member ${members.length}`)
    members.push(member)
    return member
  })
  pool = createPool({ clock, random: () => 1, kind })
})

const member = (index: number): FakeMember => {
  const found = members[index]
  if (found === undefined) throw new Error(`no member ${index}`)
  return found
}
const loaded = (settings: Partial<EngineSettings> = {}) => pool.load(FILE, { ...SETTINGS, ...settings })
let serial = 0
/** Submits and returns the id and what became of it. */
function give(content = `hello ${(serial += 1)}`, options: SubmitOptions = {}) {
  const id = `job_${(serial += 1)}`
  const got = { id, text: '', ends: [] as string[] }
  pool.submit(
    id,
    ask(content),
    {
      onDelta: (text) => (got.text += text),
      onDone: ({ finish }) => got.ends.push(finish),
      onError: ({ code }) => got.ends.push(code),
    },
    options,
  )
  return got
}
const holds = () => members.map(({ holds }) => holds)

describe('sharing out', () => {
  it('gives every process its part of slots and memory for saved prefixes, and all the threads', async () => {
    const model = await loaded({ slots: 5, savedPrefixBytes: 100 })
    expect(members.map(({ loads }) => loads[0])).toMatchObject([
      { slots: 3, threads: 4, savedPrefixBytes: 50, processes: 1 },
      { slots: 2, threads: 4, savedPrefixBytes: 50, processes: 1 },
    ])
    expect(model).toMatchObject({ slots: 5, contextTokens: 256 })
    expect(pool.state()).toMatchObject({ kind: 'loaded', model: { slots: 5 } })
  })

  it('is never more processes than slots, and gives surplus ones back at the next load', async () => {
    await loaded({ slots: 2, processes: 8 })
    expect(members).toHaveLength(2)
    await loaded({ slots: 2, processes: 1 })
    expect([member(0).stops, member(1).stops]).toEqual([0, 1])
    expect(pool.stats().processes).toHaveLength(1)
  })

  it('is loaded when all processes are, not before: a job is not sent to half an engine', async () => {
    const seen: string[] = []
    pool.onState(({ kind }) => seen.push(kind))
    await loaded()
    expect(seen).toEqual(['starting', 'loaded'])
  })

  it('unloads the others when one process cannot load, and says the smaller setting for all', async () => {
    // The second member is made by the load itself.
    await loaded({ processes: 2 })
    await pool.unload()
    member(1).refuses = new StokerError('ENGINE_OUT_OF_MEMORY', 'too much', { data: { slots: 1, contextTokens: 128 } })
    await expect(loaded({ contextTokens: 512 })).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      data: { slots: 2, contextTokens: 128 },
    })
    expect(member(0).unloads).toBe(2)
    expect(give().ends).toEqual(['ENGINE_NOT_LOADED'])
  })
})

describe('threads', () => {
  it('one working process has all of them, two have half each at once, and one gets all back only after a while', async () => {
    await loaded()
    const first = give()
    expect(member(0).limits).toEqual([4])
    const second = give()
    expect([member(0).limits, member(1).limits]).toEqual([[4, 2], [2]])
    member(1).finish(second.id)
    await clock.advance(100)
    expect(member(0).limits).toEqual([4, 2])
    await clock.advance(200)
    expect(member(0).limits).toEqual([4, 2, 4])
    member(0).finish(first.id)
  })

  it('does not flap while a second process works off short jobs', async () => {
    await loaded()
    give()
    for (let round = 0; round < 20; round += 1) {
      const short = give()
      await clock.advance(50)
      member(1).finish(short.id)
      await clock.advance(50)
    }
    expect([member(0).limits, member(1).limits]).toEqual([[4, 2], [2]])
  })

  it('is at least one each, however few there are', async () => {
    await loaded({ threads: 1 })
    give()
    give()
    expect([member(0).limits, member(1).limits]).toEqual([[1], [1]])
  })
})

describe('routing', () => {
  it('goes to the least loaded, and holds back what no slot is free for', async () => {
    await loaded()
    const jobs = Array.from({ length: 6 }, () => give())
    expect(holds()).toEqual([
      [jobs[0]?.id, jobs[2]?.id],
      [jobs[1]?.id, jobs[3]?.id],
    ])
    expect(pool.stats()).toMatchObject({ running: 4, queued: 2 })
    member(1).finish(jobs[3]!.id)
    expect(member(1).holds).toEqual([jobs[1]?.id, jobs[4]?.id])
  })

  it('one process orders its own queue: nothing is held in front of it', async () => {
    await loaded({ processes: 1, slots: 1 })
    const jobs = Array.from({ length: 5 }, () => give())
    expect(member(0).holds).toEqual(jobs.map(({ id }) => id))
  })

  it('a conversation goes back to where its prefix is cached, while a slot is free there', async () => {
    await loaded()
    const turn = (messages: unknown[]) => submit(pool, ask('', { messages }))
    const talk = [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: 'Will it rain?' },
    ]
    const other = give()
    const first = turn(talk)
    expect(member(1).holds).toEqual([first.id])
    member(1).finish(first.id)
    member(0).finish(other.id)
    // Without the memory it would go to the lower of two idle members.
    const second = turn([...talk, { role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'When?' }])
    expect(member(1).holds).toEqual([second.id])
    const third = turn(talk)
    const fourth = turn(talk)
    expect(holds()).toEqual([[fourth.id], [second.id, third.id]])
  })

  it('forgets what a crashed process had cached', async () => {
    await loaded()
    const talk = { messages: [{ role: 'user', content: SYSTEM }] }
    const other = give()
    const first = submit(pool, ask('', talk))
    member(1).finish(first.id)
    member(0).finish(other.id)
    member(1).crash()
    const model = { sha256: SHA, contextTokens: 256, slots: 2, engine: 'fake', device: 'fake' }
    member(1).become({ kind: 'loaded', model })
    const again = submit(pool, ask('', talk))
    expect(member(0).holds).toEqual([again.id])
  })

  it('takes own use, jobs near their deadline, jobs, exams; within a class the earlier deadline', async () => {
    await loaded({ slots: 2 })
    const running = [give(), give()]
    const exam = give('e', { priority: 'exam' })
    const late = give('l', { priority: 'job', deadlineMs: 60_000 })
    const sooner = give('s', { priority: 'job', deadlineMs: 50_000 })
    const near = give('n', { priority: 'job', deadlineMs: 10_000 })
    const own = give('o', { priority: 'own' })
    await clock.advance(9_000)
    const order: string[] = []
    for (let turn = 0; turn < 5; turn += 1) {
      const [current] = member(0).holds
      member(0).finish(current!)
      order.push(member(0).holds[0]!)
    }
    expect(order).toEqual([own.id, near.id, sooner.id, late.id, exam.id])
    expect(member(0).got.find(({ id }) => id === near.id)?.options).toEqual({ priority: 'job', deadlineMs: 1_000 })
    expect(running[1]?.ends).toEqual([])
  })

  it('lets an exam through in the end, however much is bought', async () => {
    await loaded({ slots: 2 })
    give()
    give()
    const exam = give('e', { priority: 'exam' })
    await clock.advance(21_000)
    let turns = 0
    for (; turns < 10 && !member(0).holds.includes(exam.id); turns += 1) {
      give('j', { priority: 'job' })
      member(0).finish(member(0).holds[0]!)
    }
    expect(turns).toBeLessThan(5)
  })

  it('says BUSY beyond its bound', async () => {
    await loaded()
    for (let job = 0; job < 68; job += 1) give()
    expect(give().ends).toEqual(['ENGINE_BUSY'])
  })
})

describe('failing members', () => {
  it('moves a job that delivered nothing to another process, and fails one that spoke', async () => {
    await loaded()
    const silent = give()
    const other = give()
    const spoke = give()
    member(0).say(spoke.id, 'half')
    member(0).crash()
    expect(spoke).toMatchObject({ text: 'half', ends: ['ENGINE_CRASHED'] })
    expect(member(1).holds).toEqual([other.id, silent.id])
    expect(pool.state()).toMatchObject({ kind: 'loaded', model: { slots: 2 } })
    // What the dead process says afterwards is not heard.
    member(0).got[0]?.events.onDelta('ghost')
    member(1).say(silent.id, 'whole')
    member(1).finish(silent.id)
    expect(silent).toMatchObject({ text: 'whole', ends: ['stop'] })
  })

  it('fails a job when no other process is there, and not twice', async () => {
    await loaded()
    const job = give()
    member(1).crash()
    member(0).crash()
    expect(job.ends).toEqual(['ENGINE_CRASHED'])
    // Waits for a process that comes back.
    const next = give()
    expect(next.ends).toEqual([])
    member(1).become({
      kind: 'loaded',
      model: { sha256: SHA, contextTokens: 256, slots: 2, engine: 'fake', device: 'fake' },
    })
    expect(member(1).holds).toEqual([next.id])
  })

  it('does not send a job on and on: each member is tried once', async () => {
    await loaded()
    const job = give()
    member(0).fail(job.id, 'ENGINE_BUSY')
    expect(member(1).holds).toEqual([job.id])
    member(1).fail(job.id, 'ENGINE_BUSY')
    expect(job.ends).toEqual(['ENGINE_BUSY'])
  })

  it('does not carry a request that ends processes from one to the next: alone in it, it ends there; among others, it moves once', async () => {
    await loaded({ processes: 3, slots: 6 })
    const alone = give()
    member(0).crash()
    expect(alone.ends).toEqual(['ENGINE_CRASHED'])
    expect([member(1).got, member(2).got]).toEqual([[], []])
    const model = { sha256: SHA, contextTokens: 256, slots: 2, engine: 'fake', device: 'fake' }
    member(0).become({ kind: 'loaded', model })
    const jobs = [give(), give(), give(), give()]
    member(0).crash()
    // 0 and 3 were in it; each is in another process now.
    expect(jobs.map(({ ends }) => ends)).toEqual([[], [], [], []])
    member(1).crash()
    const moved = [jobs[0]!, jobs[3]!].filter(({ ends }) => ends.length > 0)
    expect(moved.map(({ ends }) => ends)).toEqual([['ENGINE_CRASHED']])
    // The one that was beside it there may move, and waits for a slot.
    expect(jobs[1]?.ends).toEqual([])
    expect(holds()).toEqual([[], [], [jobs[2]!.id, jobs[3]!.id]])
  })

  it('loads a process again, later and later, whose model was refused after a crash (its slots would stay unused for good)', async () => {
    await loaded()
    member(1).crash()
    member(1).refuses = new StokerError('ENGINE_OUT_OF_MEMORY', 'too much')
    member(1).become({ kind: 'ready' })
    expect(pool.state()).toMatchObject({ kind: 'loaded', model: { slots: 2 } })
    await clock.advance(1_000)
    await clock.advance(3_000)
    expect(member(1).loads).toHaveLength(2)
    member(1).refuses = null
    await clock.advance(1_000)
    expect(member(1).loads).toHaveLength(3)
    expect(pool.state()).toMatchObject({ kind: 'loaded', model: { slots: 4 } })
    member(1).become({ kind: 'ready' })
    await pool.unload()
    await clock.advance(100_000)
    expect(member(1).loads).toHaveLength(3)
    expect(clock.waiting).toBe(0)
  })

  it('what is wrong with the request is wrong everywhere', async () => {
    await loaded()
    const job = give()
    member(0).fail(job.id, 'CONTEXT_TOO_LONG')
    expect(job.ends).toEqual(['CONTEXT_TOO_LONG'])
    expect(member(1).got).toEqual([])
  })

  it('is broken only when all are, and a retry wakes those that are', async () => {
    await loaded()
    member(0).become({ kind: 'broken', reason: { code: 'text', params: { text: 'x' } } })
    expect(pool.state().kind).toBe('loaded')
    const held = [give(), give(), give()]
    member(1).become({ kind: 'broken', reason: { code: 'text', params: { text: 'x' } } })
    expect(pool.state()).toEqual({ kind: 'broken', reason: { code: 'text', params: { text: 'x' } } })
    expect(held[2]?.ends).toEqual(['ENGINE_BROKEN'])
    expect(give().ends).toEqual(['ENGINE_BROKEN'])
    await pool.retry()
    expect([member(0).retries, member(1).retries]).toEqual([1, 1])
  })
})

describe('ending', () => {
  it('cancels what waits at once, and passes a cancel on to the member that has the job', async () => {
    await loaded({ slots: 2 })
    const running = [give(), give()]
    const waiting = give()
    pool.cancel(waiting.id)
    expect(waiting.ends).toEqual(['cancelled'])
    pool.cancel(running[1]!.id)
    expect(member(1).cancels).toEqual([running[1]?.id])
    // It dies on the way: the job was cancelled all the same, and runs nowhere else.
    member(1).crash()
    expect(running[1]?.ends).toEqual(['cancelled'])
    expect(member(0).holds).toEqual([running[0]?.id])
  })

  it('stop and unload end every job exactly once', async () => {
    await loaded({ slots: 2 })
    const jobs = [give(), give(), give()]
    await pool.stop()
    await pool.unload()
    expect(jobs.map(({ ends }) => ends)).toEqual([['ENGINE_NOT_LOADED'], ['ENGINE_NOT_LOADED'], ['ENGINE_NOT_LOADED']])
    expect([member(0).stops, member(1).stops]).toEqual([1, 1])
    expect(clock.waiting).toBe(0)
  })

  it('stopped while a load waits for the GPUs makes no processes after it, which nobody would stop', async () => {
    const gpus = Promise.withResolvers<{ index: number; name: string }[]>()
    const made: FakeMember[] = []
    const engine = createPool({
      clock,
      kind: localKind(
        () => {
          const one = new FakeMember('one')
          made.push(one)
          return one
        },
        () => gpus.promise,
      ),
    })
    const load = engine.load(FILE, { ...SETTINGS, gpus: 'each', gpuLayers: 1_000 }).catch((error: unknown) => error)
    await settle()
    await engine.stop()
    gpus.resolve([
      { index: 0, name: 'GPU' },
      { index: 1, name: 'GPU' },
    ])
    expect(await load).toMatchObject({ code: 'CANCELLED' })
    expect(made.map(({ loads, stops }) => [loads.length, stops])).toEqual([[0, 1]])
    // It is not over for good: the next load starts it.
    expect(await engine.load(FILE, SETTINGS)).toMatchObject({ slots: 4 })
  })

  it('refuses a second job of the same id', async () => {
    await loaded()
    const job = give()
    let code = ''
    pool.submit(job.id, ask('x'), {
      onDelta: () => undefined,
      onDone: () => undefined,
      onError: (error) => (code = error.code),
    })
    expect(code).toBe('CONFLICT')
  })
})

describe('figures', () => {
  it('adds up what the members say', async () => {
    await loaded()
    const speed = (perStream: (number | null)[], promptTokensPerSecond: number | null) => ({
      speed: { perStream, promptTokensPerSecond },
    })
    member(0).statsNow = {
      ...speed([100, 60], 500),
      waitingPromptTokens: 7,
      cachedTokens: 10,
      promptTokens: 20,
      tokensPerSecond: 30,
    }
    member(1).statsNow = { ...speed([80, null], 400), cachedTokens: 1, promptTokens: 2, tokensPerSecond: 5 }
    expect(pool.stats()).toMatchObject({
      slots: 4,
      rssBytes: 200,
      waitingPromptTokens: 7,
      cachedTokens: 11,
      promptTokens: 22,
      tokensPerSecond: 35,
    })
    // 1 stream: member 0 alone; 2: one each; 3: two and one; 4: two each, of which one member was measured.
    expect(pool.stats().speed).toEqual({ promptTokensPerSecond: 500, perStream: [100, 90, (60 * 2 + 80) / 3, 60] })
    expect(pool.stats().processes.map(({ name }) => name)).toEqual(['process 1 of 2', 'process 2 of 2'])
    // Jobs go where there is room, so one crowded member does not speak for all.
    member(0).statsNow = { speed: { perStream: [100], promptTokensPerSecond: 500, crowding: 3 } }
    member(1).statsNow = { speed: { perStream: [80], promptTokensPerSecond: 400, crowding: 1 } }
    expect(pool.stats().speed.crowding).toBe(2)
  })

  it('embeds in another process when one fails, but for texts that end processes', async () => {
    await loaded()
    member(0).embeds = () => Promise.reject(new StokerError('ENGINE_CRASHED', 'gone'))
    await expect(pool.embed(['a'])).rejects.toMatchObject({ code: 'ENGINE_CRASHED' })
    member(0).embeds = () => Promise.reject(new StokerError('ENGINE_BUSY', 'full'))
    await expect(pool.embed(['a'])).resolves.toEqual({ vectors: [[1]], promptTokens: 1 })
    member(1).embeds = () => Promise.reject(new StokerError('MODEL_UNSUPPORTED', 'no'))
    await expect(pool.embed(['a'])).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })
})
