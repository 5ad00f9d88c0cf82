/**
 * Says why a host runs on node-llama-cpp's public API: it serves, but slower and without some features of the native
 * loop.
 */

/** Writes one line the first time it is isSaid a reason; later ones of the same process are the same. */
export function createFallbackNotice(write: (line: string) => void): (reason: string) => void {
  let isSaid = false
  return (reason) => {
    if (isSaid) return
    isSaid = true
    write(
      `The engine's native loop cannot be used (${reason.replaceAll(/\s+/g, ' ').slice(0, 300)}). It serves through node-llama-cpp's public API: slower, without log-probabilities, copied prefixes and grammars that begin at a tool call. Reinstalling the dependencies may help.\n`,
    )
  }
}
