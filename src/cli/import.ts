import type { Command } from 'commander'
import { conditionFalse } from './exit-codes.ts'

type Options = { topic: string; json?: true }

export const importing = (program: Command): void => {
  const group = program.command('import').description('comments from elsewhere: import youtube <csv> --topic <topic>')
  group
    .command('youtube')
    .description(
      'comments of one video, a CSV of the YouTube Spam Collection (COMMENT_ID, AUTHOR, DATE, CONTENT); safe to repeat at any time',
    )
    .argument('<csv>', 'the file')
    .requiredOption('--topic <topic>', 'where the comments go')
    .option('--json', 'the report as a JSON document')
    .addHelpText('after', '\nTaken by date, in UTC. Exits 2 when a row was refused (the report says why), or when consumers do not run.')
    .action(async (csv: string, { topic, json }: Options) => {
      const [{ openImport }, { createProgress }, { reportText }] = await Promise.all([
        import('./import/open-import.ts'),
        import('./import/progress.ts'),
        import('./import/report.ts'),
      ])
      const { run, close } = await openImport((line) => console.error(line))
      const progress = createProgress(topic)
      try {
        const report = await run(csv, topic, progress.update)
        progress.end()
        console.log(json ? JSON.stringify(report) : reportText(report))
        if (report.refused.length > 0) process.exitCode = conditionFalse
      } finally {
        await close()
      }
    })
}
