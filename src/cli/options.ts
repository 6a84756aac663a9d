import { InvalidArgumentError } from 'commander'

/** A parser for commander: a whole number of at least `min`. */
export const atLeast =
  (min: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min) throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`)
    return value
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
