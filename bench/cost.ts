import type { Bench, Row } from './harness.ts'

export const costOfAComment = async (_: Bench): Promise<Row[]> => []
