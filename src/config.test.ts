import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig, readStoresConfig, variables } from './config.ts'

const secret = 'a secret of more than thirty-two bytes'
const stores = { REDIS_URL: 'redis://:hunter2@127.0.0.1:6379', MONGODB_URL: 'mongodb://a:1,b:2/ovation' }
const enough = { ...stores, JWT_SECRET: secret }

function faultsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('the environment', () => {
  test('needs two stores and a secret; the rest has defaults', () => {
    expect(readConfig(enough)).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      opsPort: 9464,
      partitions: 8,
      keyPrefix: 'ov:',
      allowedOrigins: [],
      allowedTopics: ['*'],
      editWindowMs: 900_000,
      idempotencyWindowMs: 3_600_000,
      logLevel: 'info',
    })
  })

  test('is read where it is set', () => {
    const env = {
      ...enough,
      PORT: '0',
      ALLOWED_ORIGINS: 'https://a.example, http://b.example:81',
      ALLOWED_TOPICS: 'song:*,album:*',
    }
    expect(readConfig(env)).toMatchObject({
      port: 0,
      allowedOrigins: ['https://a.example', 'http://b.example:81'],
      allowedTopics: ['song:*', 'album:*'],
    })
  })

  test('counts an empty variable as unset, and defaults fill in for it', () => {
    expect(readConfig({ ...enough, PORT: '', LOG_LEVEL: '' }, { LOG_LEVEL: 'debug' })).toMatchObject({ port: 8080, logLevel: 'debug' })
    expect(readConfig({ ...enough, LOG_LEVEL: 'warn' }, { LOG_LEVEL: 'debug' }).logLevel).toBe('warn')
  })

  test.each([
    ['REDIS_URL', 'http://localhost'],
    ['MONGODB_URL', 'localhost'],
    ['PORT', '65536'],
    ['PORT', '0x10'],
    ['PORT', '-1'],
    ['RATE_COMMENTS', '30'],
    ['RATE_LIKES', '0/60s'],
    ['RATE_REPORTS', '10/1m'],
    ['SHED_LAG', '0'],
    ['PARTITIONS', '0'],
    ['PARTITIONS', '1.5'],
    ['KEY_PREFIX', 'a{b}'],
    ['IDEMPOTENCY_WINDOW_MS', '9999'],
    ['JWT_SECRET', 'short'],
    ['WRITE_TOKEN_SECRET', 'short'],
    ['JWKS_URL', 'ftp://example.org/keys'],
    ['ALLOWED_ORIGINS', 'https://a.example/path'],
    ['ALLOWED_ORIGINS', 'a.example'],
    ['ALLOWED_TOPICS', 'song:{x}'],
    ['ALLOWED_TOPICS', ','],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s', (name, value) => {
    const faults = faultsOf({ ...enough, [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${name}: must `))
  })

  test('has every fault reported at once, and no value in the report', () => {
    const faults = faultsOf({ REDIS_URL: 'hunter2', PORT: 'hunter3', JWT_SECRET: 'hunter4' })
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['REDIS_URL', 'MONGODB_URL', 'PORT', 'JWT_SECRET'])
    expect(new ConfigError(faults).message).not.toContain('hunter')
  })

  test('without a way to check tokens is refused, also where more is wrong', () => {
    expect(faultsOf(stores)).toEqual(['JWT_SECRET or JWKS_URL: one must be set'])
    expect(faultsOf({ ...stores, PORT: 'x' })).toHaveLength(2)
    expect(faultsOf({ ...stores, JWKS_URL: 'https://example.org/keys' })).toEqual([
      'WRITE_TOKEN_SECRET: must be set where JWT_SECRET is not',
    ])
    expect(faultsOf({ ...stores, JWKS_URL: 'https://example.org/keys', WRITE_TOKEN_SECRET: secret })).toEqual([])
  })

  test('gives write tokens a key of their own', () => {
    expect(readConfig(enough).writeTokenSecret).not.toContain(secret)
    expect(readConfig(enough).writeTokenSecret).toBe(readConfig(enough).writeTokenSecret)
    expect(readConfig({ ...enough, WRITE_TOKEN_SECRET: secret.toUpperCase() }).writeTokenSecret).toBe(secret.toUpperCase())
  })

  test('of a consumer needs no secret', () => expect(readStoresConfig(stores).redisUrl).toBe(stores.REDIS_URL))
})

test('the reference has every variable, described', () => {
  expect(variables).toHaveLength(28)
  expect(variables.filter(({ description }) => description.length < 10)).toEqual([])
  expect(variables.filter(({ isRequired }) => isRequired).map(({ name }) => name)).toEqual(['REDIS_URL', 'MONGODB_URL'])
  expect(variables.find(({ name }) => name === 'IDEMPOTENCY_WINDOW_MS')?.default).toBe('3600000')
})
