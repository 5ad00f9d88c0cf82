/** What a lane tells the test processes. */
export interface ForTests {
  active: { file: string; n: number } | null
  /** Where to write which mutants the test file reaches; null when nobody asks. */
  hits: string | null
}

declare module 'vitest' {
  interface ProvidedContext {
    mutants: ForTests
  }
}
