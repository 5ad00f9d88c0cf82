/** better-sqlite3 13 crashes on Node 20, so every entry calls this before it imports anything native. */
export const NODE_MINIMUM = [22, 12] as const

/** Null when the running Node will do, else what to do about it. */
export function nodeVersionProblem(version: string = process.versions.node): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1])) return null
  return `Stoker needs Node ${NODE_MINIMUM.join('.')} or newer and this is ${version}. Start it with npm (npm start, npm run -s stoker -- …): the project brings its own Node.`
}
