/**
 * What travels between a fake utility process and the test that plays Electron's main process. Ports are numbers, per
 * child.
 */
export type ToChild =
  | { k: 'parent'; data: unknown; ports: number[] }
  | { k: 'port'; id: number; data: unknown }
  | { k: 'close'; id: number }
export type FromChild =
  | { k: 'parent'; data: unknown }
  | { k: 'port'; id: number; data: unknown }
  | { k: 'close'; id: number }
