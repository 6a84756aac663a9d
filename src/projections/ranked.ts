/**
 * How many roots of a topic have a place in its hot order, `ranked:<topic>`: those with the highest scores, in ten pages of the largest size.
 * counts and likes keep it together (rank.lua).
 */
export const rankedCap = 1_000
