export { createStokerVenue, type StokerVenueOptions } from './stoker-venue.ts'
