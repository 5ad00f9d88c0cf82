/** What every power sensor looks like, and the bounds that all of them keep. */
export interface PowerSource {
  /** What it is called where a figure says how it was come by: `nvidia-smi`. Asked again after every reading. */
  readonly name: string
  /** Watts; null when it cannot say, now or at all. Never throws. */
  read(monoMs: number): Promise<number | null>
  /** The last reading by GPU, where the meter reads each by itself; parts of what `read` gave. */
  parts?(): readonly GpuWatts[]
}

/** One GPU by the name its driver gives it for good. */
export interface GpuWatts {
  gpu: string
  watts: number
}

/** After a failure a tool is not started again for so long: a machine without it pays for one try an hour. */
export const RETRY_MS = 3_600_000
/** More is no reading. */
export const WATTS_MAX = 50_000
