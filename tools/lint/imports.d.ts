/** Null when `file` may import `specifier`, else the reason. */
export function violation(file: string, specifier: string, typeOnly?: boolean): string | null
