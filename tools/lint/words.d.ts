/** Null when the name is fine in that file, else what to use instead. */
export function oldWord(file: string, name: string): string | null
