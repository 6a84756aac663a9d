import { defineConfig } from 'vitest/config'

/** They measure times under load, so nothing else runs beside them: after all others, one by one. */
const alone = ['test/drill.test.ts', 'test/faults/lanes-isolate.test.ts', 'test/faults/many-consumers.test.ts']
const common = { pool: 'forks', testTimeout: 30_000, hookTimeout: 120_000 } as const

export default defineConfig({
  test: {
    globalSetup: 'test/servers.ts', // once, for both
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
