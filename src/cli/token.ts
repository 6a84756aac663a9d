import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Failure } from './failures.ts'
import { durationMs } from './options.ts'
import { findFolder, secretFileIn } from './run-file.ts'

type Options = { sub: string; name?: string; role: string; topics: string[]; expires: number; json?: true }

function globs(text: string): string[] {
  const all = text.split(',').map((glob) => glob.trim())
  if (!all.every((glob) => /^[A-Za-z0-9:._~*-]{1,128}$/.test(glob)))
    throw new InvalidArgumentError('It must be topics with commas; * stands for any characters.')
  return all
}

function text(min: number, max: number) {
  return (value: string): string => {
    if (value.trim().length < min || value.length > max || /\p{Cc}/u.test(value))
      throw new InvalidArgumentError(`It must have ${min} to ${max} characters, no control characters.`)
    return value
  }
}

export const token = (program: Command): Command =>
  program
    .command('token')
    .description('a token for the API, signed with JWT_SECRET or the development secret that npm start made')
    .requiredOption('--sub <id>', 'who writes', text(1, 128))
    .option('--name <name>', 'the name that is shown (default: the id)', text(1, 100))
    .addOption(new Option('--role <role>', 'what they may do').choices(['user', 'artist', 'moderator', 'admin']).default('user'))
    .addOption(
      new Option('--topics <globs>', 'what an artist or moderator has a say over, with commas').argParser(globs).default([], 'none'),
    )
    .addOption(
      new Option('--expires <time>', 'how long it is good for, such as 30m or 12h').argParser(durationMs).default(7 * 86_400_000, '7d'),
    )
    .option('--json', '{token, expiresAt} instead of the token alone')
    .addHelpText('after', `\ncurl -H "authorization: Bearer $(ovation token --sub psy --name PSY --role artist --topics 'song:psy*')" …`)
    .action(async ({ sub, name = sub.slice(0, 100), role, topics, expires, json }: Options) => {
      const [{ readConfig }, { unset }, { SignJWT }] = await Promise.all([
        import('../config.ts'),
        import('./deployment.ts'),
        import('jose'),
      ])
      const folder = findFolder('secret')
      const development = folder ? readFileSync(secretFileIn(folder), 'utf8').trim() : ''
      // A stand-in secret lets the schema pass, so that what is missing can be said better than it would.
      const none = 'none'.repeat(8)
      const { jwtSecret = none, jwtIssuer, jwtAudience } = readConfig(undefined, { ...unset, JWT_SECRET: development || none })
      if (jwtSecret === none)
        throw new Failure('unreachable', 'there is no development secret here: npm start makes one, or set JWT_SECRET')
      const now = Math.floor(Date.now() / 1_000)
      const jwt = new SignJWT({ name, role, topics })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(sub)
        .setIssuedAt(now)
        .setExpirationTime(now + expires / 1_000)
      if (jwtIssuer) jwt.setIssuer(jwtIssuer)
      if (jwtAudience) jwt.setAudience(jwtAudience)
      const signed = await jwt.sign(new TextEncoder().encode(jwtSecret))
      console.log(json ? JSON.stringify({ token: signed, expiresAt: new Date(now * 1_000 + expires).toISOString() }) : signed)
    })
