import { EventEmitter } from 'node:events'
import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { watchAway } from './away.ts'

function connection() {
  let atMs = 0
  const redis = Object.assign(new EventEmitter(), { status: 'connecting' })
  const awayMs = watchAway(redis as unknown as Redis, () => atMs)
  return { redis, awayMs, pass: (ms: number) => void (atMs += ms) }
}

test('a server is away from its last moment on, until it is ready', () => {
  const { redis, awayMs, pass } = connection()
  pass(300)
  expect(awayMs()).toBe(300)
  redis.emit('ready')
  pass(5_000)
  expect(awayMs()).toBe(0)
  redis.emit('close')
  pass(70)
  redis.emit('close') // of an attempt that failed
  pass(30)
  expect(awayMs()).toBe(100)
})

test('one that comes and goes has been away all the time', () => {
  const { redis, awayMs, pass } = connection()
  redis.emit('ready')
  pass(5_000)
  redis.emit('close')
  pass(2_000)
  redis.emit('ready')
  pass(200)
  expect(awayMs()).toBe(0)
  redis.emit('close')
  expect(awayMs()).toBe(2_200)
})
