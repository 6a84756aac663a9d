import type { z } from 'zod'

export type EventDefinition<S extends z.ZodType> = {
  readonly version: number
  readonly schema: S
  /** Adds a version. `upcast` lifts the data of the version before; what is in the log never changes. */
  next<N extends z.ZodType>(schema: N, upcast: (before: z.output<S>) => z.input<N>): EventDefinition<N>
  /** Data of any version ever written, in today's shape. Throws UnknownVersionError for one from the future, ZodError or RangeError for what can never be read. */
  decode(version: number, data: unknown): z.output<S>
}
type Lift = (data: unknown) => unknown

export function defineEvent<S extends z.ZodType>(schema: S, lifts: readonly Lift[] = []): EventDefinition<S> {
  const version = lifts.length + 1
  return {
    version,
    schema,
    next: (after, upcast) => defineEvent(after, [...lifts, (data) => upcast(schema.parse(data))]),
    decode(written, data) {
      if (!Number.isInteger(written) || written < 1) throw new RangeError(`version ${written} was never written`)
      if (written > version) throw new UnknownVersionError(`version ${written} was written, this code knows ${version}`)
      return schema.parse(written === version ? data : lifts.slice(written - 1).reduce((lifted, lift) => lift(lifted), data))
    },
  }
}

/** The log holds a newer version or type than this code knows: a deploy in the wrong order, not bad data. */
export class UnknownVersionError extends Error {
  override readonly name = 'UnknownVersionError'
}
