/** A slot of a deployment, taken for one job. */
export interface Lease {
  readonly deploymentId: string
  /** Gives the slot back; a second time does nothing. */
  release(): void
}

/** What a polling driver asks before it takes a job: a slot of what is listed under an instrument, null when none is free. */
export interface LeaseSource {
  take(instrument: string): Lease | null
}
