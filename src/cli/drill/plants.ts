/** Faults on purpose, to see that the drill finds them. */
export const plants = ['merged-lanes', 'stopped-group'] as const
export type Plant = (typeof plants)[number]
