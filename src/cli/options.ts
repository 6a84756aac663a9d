import { InvalidArgumentError } from 'commander'

/** A parser for commander: a whole number of at least `min`, and at most `max` where there is one. */
export const atLeast =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number, ${min} ${max === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${max}`}.`)
    return value
  }

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A parser for commander: a time such as 90s, 30m, 12h or 7d, in ms. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (!count || !unit || Number(count) === 0) throw new InvalidArgumentError('It must be a number and a unit, such as 30m, 12h or 7d.')
  return Number(count) * unitMs[unit as keyof typeof unitMs]
}

/** A parser for commander: names from a list, with commas. */
export const namesOf =
  <T extends string>(known: readonly T[]) =>
  (text: string): T[] => {
    const names = text.split(',').map((name) => name.trim())
    if (!names.every((name): name is T => known.includes(name as T)))
      throw new InvalidArgumentError(`It must be of ${known.join(', ')}, with commas.`)
    return names
  }
