/** Repository path of an import, or null for a package or node: module. */
export function resolveImport(fromFile: string, specifier: string): string | null
/** Null when `file` may import `specifier`, else the reason. */
export function violation(file: string, specifier: string, typeOnly?: boolean): string | null
