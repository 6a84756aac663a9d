import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { defaultLimits } from './hotspot-limits.ts'
import { TopicGlob } from './topics.ts'

const integer = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be ${min} ${max === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${max}`}`)
const list = (text: string) => text.split(',').flatMap((item) => item.trim() || [])
const isOrigin = (text: string) => text === '*' || (/^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text)
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const port = () => integer(0, 65_535)
const rate = () => z.string().regex(/^(off|[1-9]\d{0,8}\/[1-9]\d{0,5}s)$/, 'must be <quota>/<seconds>s, such as 30/60s, or off')
const httpUrl = () => z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })

/** What every process needs. Fields are named like their variables: `redisUrl` is `REDIS_URL`. */
const storesSchema = z.object({
  redisUrl: z
    .string()
    .regex(/^rediss?:\/\/./, 'must begin with redis:// or rediss://')
    .describe('The log and the fast read models.'),
  mongodbUrl: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/./, 'must begin with mongodb://')
    .describe('The archive and the comments.'),
  partitions: integer(1, 1_024).default(8).describe('Parts of the log. Recorded at first start; it cannot change later.'),
  keyPrefix: z
    .string()
    .regex(/^[\w:.-]{1,32}$/, 'must be 1 to 32 of A-Z a-z 0-9 _ : . -')
    .default('ov:')
    .describe('Begins the name of every Redis key.'),
  opsPort: port().default(9464).describe('Port of /metrics, on HOST; 0 takes any free one.'),
  host: z.string().default('127.0.0.1').describe('Address to listen on.'),
  idempotencyWindowMs: integer(10_000)
    .default(3_600_000)
    .describe('How long a repeated Idempotency-Key gets its first answer, ms. Half of it is the time a write may take, so at least 10000.'),
  hotWritesPerSecond: integer(1)
    .default(defaultLimits.writesPerSecond)
    .describe('Events a second on one topic from which it gets a stream of its own.'),
  hotReadsPerSecond: integer(1).default(defaultLimits.readsPerSecond).describe('Reads a second of one topic from which it counts as hot.'),
  hotCoolDownMs: integer(1_000)
    .default(defaultLimits.coolDownMs)
    .describe('How long both rates of a hot topic must be below a quarter of these before it is an ordinary one again, ms.'),
  hotRetireAfterMs: integer(0)
    .default(defaultLimits.retireAfterMs)
    .describe(
      'How long the stream of a topic that is not hot any more is kept after its last event, ms: until then its comments are found without MongoDB.',
    ),
  hotTopics: integer(1, 1_000).default(defaultLimits.topics).describe('Most topics that are made hot by their rates at one time.'),
  logLevel: z
    .enum(levels, `must be ${levels.join(', ')}`)
    .default('info')
    .describe('Least level that is logged.'),
})

const configSchema = storesSchema.extend({
  port: port().default(8080).describe('Port of the API; 0 takes any free one.'),
  jwtSecret: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= 32, 'must be at least 32 bytes')
    .optional()
    .describe('Secret of HS256 tokens, at least 32 bytes. This or JWKS_URL, or both.'),
  jwksUrl: httpUrl().optional().describe('Where the public keys of RS256, ES256 and EdDSA tokens are.'),
  jwtIssuer: z.string().optional().describe('The `iss` that tokens must have.'),
  jwtAudience: z.string().optional().describe('The `aud` that tokens must have.'),
  writeTokenSecret: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= 32, 'must be at least 32 bytes')
    .optional()
    .describe('Signs write tokens, at least 32 bytes. Derived from JWT_SECRET where unset.'),
  allowedOrigins: z
    .string()
    .default('')
    .transform(list)
    .refine((origins) => origins.every(isOrigin), 'must be origins such as https://example.org, without a path, or *')
    .describe('Origins whose pages may call the API, with commas; * for any.'),
  allowedTopics: z
    .string()
    .default('*')
    .transform(list)
    .refine((globs) => globs.length > 0 && globs.every((glob) => TopicGlob.safeParse(glob).success), 'must be topic globs')
    .describe('Globs of the topics that have comments, with commas; * stands for any characters.'),
  editWindowMs: integer(0).default(900_000).describe('How long an author may edit a comment, ms.'),
  rateComments: rate().default('30/60s').describe('Posts, edits and deletions of one user in a partition, `<quota>/<seconds>s` or off.'),
  rateLikes: rate().default('120/60s').describe('Likes of one user in a partition, those taken back too.'),
  rateReports: rate().default('10/60s').describe('Reports of one user in a partition.'),
  shedLag: integer(1)
    .default(200_000)
    .describe('Events the global lane may be behind before likes and reports are refused; comments at three times that.'),
  shedHotLag: integer(1).default(500_000).describe("The same of a hotspot's own stream, for that topic alone."),
  maxConnections: integer(1).default(10_000).describe('Connections the API holds at once; more are answered 503 and closed.'),
})

export type StoresConfig = z.output<typeof storesSchema>
export type Config = z.output<typeof configSchema> & { writeTokenSecret: string }
type Environment = Readonly<Record<string, string | undefined>>

/** Names every fault and no value: values may be secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`the environment is not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

/** Reads what the API needs. `defaults` fill in for variables that are unset or empty. Throws ConfigError. */
export function readConfig(env: Environment = process.env, defaults: Environment = {}): Config {
  const given = valuesOf(configSchema, env, defaults)
  const { data, error } = configSchema.safeParse(given)
  const faults = error ? faultsOf(error) : []
  if (!given['jwtSecret'] && !given['jwksUrl']) faults.push('JWT_SECRET or JWKS_URL: one must be set')
  else if (!given['jwtSecret'] && !given['writeTokenSecret']) faults.push('WRITE_TOKEN_SECRET: must be set where JWT_SECRET is not')
  if (!data || faults.length > 0) throw new ConfigError(faults)
  return { ...data, writeTokenSecret: data.writeTokenSecret ?? deriveSecret(data.jwtSecret!) }
}

/** Reads what a process without an API needs: no secrets. Throws ConfigError. */
export function readStoresConfig(env: Environment = process.env, defaults: Environment = {}): StoresConfig {
  const { data, error } = storesSchema.safeParse(valuesOf(storesSchema, env, defaults))
  if (error) throw new ConfigError(faultsOf(error))
  return data
}

/** A row of docs/reference/config.md. */
export type Variable = { name: string; default: string | undefined; isRequired: boolean; description: string }

/** Every variable, for the reference. */
export const variables: readonly Variable[] = Object.entries(configSchema.shape).map(([field, schema]) => {
  const unset = schema.safeParse(undefined)
  const value = unset.data === undefined ? undefined : String(unset.data)
  return {
    name: variableOf(field),
    default: value === '' ? undefined : value,
    isRequired: !unset.success,
    description: schema.description ?? '',
  }
})

/** `redisUrl` is `REDIS_URL`. */
function variableOf(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

const valuesOf = (schema: z.ZodObject, env: Environment, defaults: Environment): Record<string, string | undefined> =>
  Object.fromEntries(Object.keys(schema.shape).map((field) => [field, env[variableOf(field)] || defaults[variableOf(field)] || undefined]))

function faultsOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path, code, message }) => {
    const isMissing = code === 'invalid_type'
    return `${variableOf(String(path[0]))}: ${isMissing ? 'must be set' : message}`
  })
}

/** Another key than JWT_SECRET itself, so that a write token never passes for a signature of a JWT. */
const deriveSecret = (jwtSecret: string): string => createHmac('sha256', jwtSecret).update('ovation write token').digest('base64url')
