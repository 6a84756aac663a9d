/** A place on an axis from a value. Both ends of the axis are in pixels. */
export type Scale = (value: number) => number

export const linear = (from: number, to: number, start: number, end: number): Scale => {
  const perUnit = (end - start) / (to - from || 1)
  return (value) => start + (value - from) * perUnit
}

/** Logarithmic with a place for 0: a backlog of 100,000 and one of 3 are both to be seen. */
export function logarithmic(most: number, start: number, end: number): Scale {
  const perDecade = (end - start) / Math.log10(1 + most)
  return (value) => start + Math.log10(1 + Math.max(0, value)) * perDecade
}

/** 0, 1, 10, 100 … up to the first that is not below `most`; fewer where there are many. */
export function decades(most: number): number[] {
  const ticks = [0, 1]
  while (ticks.at(-1)! < most) ticks.push(ticks.at(-1)! * 10)
  return ticks
}

/** A round step that gives some ten marks of a duration, s. */
export const secondsStep = (seconds: number): number =>
  [5, 10, 15, 30, 60, 120, 300, 600, 1_800].find((step) => seconds / step <= 12) ?? 3_600
