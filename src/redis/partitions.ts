const slots = 16_384

/** CRC16 (XMODEM), the hash of Redis Cluster. */
export function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}

/** The partition a topic's events and Redis keys live in: 0 to `partitions` - 1. */
export const partitionOf = (topic: string, partitions: number): number => crc16(topic) % partitions

/** One hash tag a partition, each in its own equal share of Redis Cluster's slots: the number, with a suffix until it falls there. */
export function tagsOf(partitions: number): readonly string[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const isInShare = (tag: string) => Math.floor(((crc16(tag) % slots) * partitions) / slots) === partition
    for (let suffix = 0; ; suffix++) {
      const tag = suffix === 0 ? `${partition}` : `${partition}.${suffix}`
      if (isInShare(tag)) return tag
    }
  })
}
