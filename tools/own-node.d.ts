export function ownNodePath(root: string, platform?: NodeJS.Platform, arch?: string): string
export function machineProblem(machine: {
  platform: NodeJS.Platform
  glibc: string | undefined
  version: string
  ownNode: boolean
}): string | null
export function linkOwnNode(root: string, ownNode: string, platform?: NodeJS.Platform): void
