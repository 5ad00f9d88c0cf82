/** The states and figures of several members as those of one engine. */
import type {
  EngineProcess,
  EngineSpeed,
  EngineState,
  EngineStats,
  LoadedModel,
  WarmUpProgress,
} from '#core/engine/engine.port.ts'

/** Slots are those of all members that are loaded; context is the smallest of them. Null when none is. */
export function mergeModels(states: readonly EngineState[]): LoadedModel | null {
  const models = states.flatMap((state) => (state.kind === 'loaded' ? [state.model] : []))
  const [first] = models
  if (first === undefined) return null
  const distinct = (values: string[]): string => [...new Set(values)].join(', ').slice(0, 200)
  return {
    sha256: first.sha256,
    contextTokens: Math.min(...models.map(({ contextTokens }) => contextTokens)),
    slots: models.reduce((sum, { slots }) => sum + slots, 0),
    engine: distinct(models.map(({ engine }) => engine)),
    device: distinct(models.map(({ device }) => device)),
  }
}

/** Those that start, as one: warm-ups are added up. Null when none does. */
export function startingOf(states: readonly EngineState[]): Extract<EngineState, { kind: 'starting' }> | null {
  const starting = states.filter((state) => state.kind === 'starting')
  if (starting.length === 0) return null
  const warmUps = starting.flatMap(({ warmUp }) => warmUp ?? [])
  const attempt = Math.max(...starting.map((state) => state.attempt))
  if (warmUps.length === 0) return { kind: 'starting', attempt }
  const total = (pick: (one: WarmUpProgress) => number): number => sum(warmUps.map(pick))
  return { kind: 'starting', attempt, warmUp: { done: total(({ done }) => done), of: total(({ of }) => of) } }
}

/** Loaded when one member is, broken when all are, otherwise the state nearest to loaded. */
export function mergeStates(states: readonly EngineState[]): EngineState {
  const model = mergeModels(states)
  if (model !== null) return { kind: 'loaded', model }
  const starting = startingOf(states)
  if (starting !== null) return starting
  const waiting = states.filter((state) => state.kind === 'backoff').sort((a, b) => a.until - b.until)[0]
  if (waiting !== undefined) return waiting
  const broken = states.find((state) => state.kind === 'broken')
  if (broken !== undefined && states.every((state) => state.kind === 'broken')) return broken
  return states.some((state) => state.kind === 'ready') ? { kind: 'ready' } : { kind: 'stopped' }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** How many of `streams` streams each member gets when each goes to the least loaded. */
export function spread(streams: number, slots: readonly number[]): number[] {
  const counts = slots.map(() => 0)
  for (let stream = 0; stream < streams; stream += 1) {
    let least = -1
    for (const [index, of] of slots.entries()) {
      const count = counts[index] ?? 0
      if (count < of && (least < 0 || count / of < (counts[least] ?? 0) / (slots[least] ?? 1))) least = index
    }
    if (least < 0) break
    counts[least] = (counts[least] ?? 0) + 1
  }
  return counts
}

/**
 * `perStream[n - 1]`: n streams are spread as the pool spreads them; the mean of what each member measured for its
 * part, weighted by its streams, over the members that measured it. The prompt speed of members that share one machine
 * is the best of theirs (they also share its cores); of separate machines, the sum.
 */
export function mergeSpeed(members: readonly Pick<EngineStats, 'slots' | 'speed'>[], oneMachine: boolean): EngineSpeed {
  const slots = members.map((member) => member.slots)
  const perStream: (number | null)[] = []
  for (let streams = 1; streams <= sum(slots); streams += 1) {
    const parts = spread(streams, slots).flatMap((count, index) => {
      const speed = count === 0 ? null : (members[index]?.speed.perStream[count - 1] ?? null)
      return speed === null ? [] : [{ count, speed }]
    })
    const measured = sum(parts.map(({ count }) => count))
    perStream.push(measured === 0 ? null : sum(parts.map(({ count, speed }) => count * speed)) / measured)
  }
  const prompt = members.flatMap(({ speed }) =>
    speed.promptTokensPerSecond === null ? [] : [speed.promptTokensPerSecond],
  )
  // The mean: jobs go to the least loaded member, which is seldom the most crowded one.
  const crowding = members.flatMap(({ speed }) => speed.crowding ?? [])
  return {
    promptTokensPerSecond: prompt.length === 0 ? null : oneMachine ? Math.max(...prompt) : sum(prompt),
    perStream,
    ...(crowding.length === 0 ? {} : { crowding: sum(crowding) / crowding.length }),
  }
}

/** Names the processes `process 1 of 2`, with the GPU of those that are bound to one. */
export const numberProcesses = (members: readonly EngineStats[], gpus: readonly (number | null)[]): EngineStats[] =>
  members.map((stats, index) => {
    const gpu = gpus[index] ?? null
    const name = `process ${index + 1} of ${members.length}${gpu === null ? '' : ` on GPU ${gpu}`}`
    return { ...stats, processes: stats.processes.map((process) => ({ ...process, name })) }
  })

/** Sums over the members. `waiting`: what waits in the pool itself. */
export function mergeStats(
  members: readonly EngineStats[],
  options: { oneMachine: boolean; waiting: { jobs: number; promptTokens: number } },
): EngineStats {
  const total = (pick: (stats: EngineStats) => number): number => sum(members.map(pick))
  return {
    running: total(({ running }) => running),
    queued: total(({ queued }) => queued) + options.waiting.jobs,
    slots: total(({ slots }) => slots),
    tokensPerSecond: total(({ tokensPerSecond }) => tokensPerSecond),
    rssBytes: total(({ rssBytes }) => rssBytes),
    pid: members[0]?.pid ?? null,
    speed: mergeSpeed(members, options.oneMachine),
    waitingPromptTokens: total(({ waitingPromptTokens }) => waitingPromptTokens) + options.waiting.promptTokens,
    cachedTokens: total(({ cachedTokens }) => cachedTokens),
    promptTokens: total(({ promptTokens }) => promptTokens),
    processes: members.flatMap(({ processes }): EngineProcess[] => processes),
    silentMs: Math.max(0, ...members.map(({ silentMs = 0 }) => silentMs)),
  }
}
