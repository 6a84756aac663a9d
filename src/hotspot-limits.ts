/** When a topic gets a stream of its own, and when it loses it again. */
export type HotspotLimits = {
  writesPerSecond: number
  readsPerSecond: number
  /** How long both rates must have stayed below a quarter, ms. */
  coolDownMs: number
  /** How long a demoted topic's stream is kept after its last event, ms; less where memory is short or too many wait. */
  retireAfterMs: number
  /** Most rows of the table that rates may fill: each is one more stream that every group reads. */
  topics: number
}

/** Where the environment says nothing. */
export const defaultLimits: HotspotLimits = {
  writesPerSecond: 100,
  readsPerSecond: 2_000,
  coolDownMs: 60_000,
  retireAfterMs: 900_000,
  topics: 20,
}
