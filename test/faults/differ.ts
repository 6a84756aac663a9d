/** Collects what is not as it should be, so that a failed test names all of it. */
export function createDiffer() {
  const found: string[] = []
  const equal = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) found.push(`${what}: ${String(actual)} instead of ${String(expected)}`)
  }
  return {
    found,
    equal,
    same(what: string, actual: ReadonlyMap<string, unknown>, expected: ReadonlyMap<string, unknown>) {
      for (const key of new Set([...actual.keys(), ...expected.keys()])) equal(`${what} ${key}`, actual.get(key), expected.get(key))
    },
  }
}
export type Differ = ReturnType<typeof createDiffer>
