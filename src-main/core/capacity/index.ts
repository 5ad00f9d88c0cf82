/** The slots of all deployments: venues take leases of them, so that no slot is sold twice. */
export { createSlotLeases, type SlotLeases, type ServedCall } from './slot-leases.ts'
