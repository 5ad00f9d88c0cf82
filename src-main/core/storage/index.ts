/** The disks under the records. */
export { createStorage, type Storage, type StorageTrouble } from './storage.store.ts'
