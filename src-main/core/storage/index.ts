/** The disks under the records. */
export { createStorage, type Storage } from './storage.store.ts'
