/** The topics of a run by popularity: the first is the most popular, the others fall off as 1/rank (Zipf). */
export type Topics = {
  readonly names: readonly string[]
  /** The one that is landed on: from the middle of the list, a song that few looked at. */
  readonly landed: number
  /** Its share of the ordinary traffic. */
  readonly landedShare: number
  /** A topic, as often as its popularity says. */
  pick(): number
  /** The same without the landed one. */
  pickOther(): number
}

export function createTopics(count: number, prefix: string): Topics {
  const names = Array.from({ length: count }, (_, i) => `${prefix}${i}`)
  const landed = count >> 1
  const upTo: number[] = []
  for (let i = 0, sum = 0; i < count; i++) upTo.push((sum += 1 / (i + 1)))
  const total = upTo.at(-1)!
  const pick = () => {
    const at = Math.random() * total
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! > at) high = middle
      else low = middle + 1
    }
    return low
  }
  return {
    names,
    landed,
    landedShare: 1 / (landed + 1) / total,
    pick,
    pickOther() {
      for (;;) {
        const topic = pick()
        if (topic !== landed) return topic
      }
    },
  }
}
