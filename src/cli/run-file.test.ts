import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { developmentSecret } from './dev/development-secret.ts'
import { findFolder, folderName, readRunFile, removeRunFile, writeRunFile } from './run-file.ts'

let root: string
let folder: string
const run = { pid: process.pid, url: 'http://127.0.0.1:1', redisUrl: 'redis://a', mongodbUrl: 'mongodb://b' }

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-file-'))
  folder = join(root, folderName)
  mkdirSync(folder)
  mkdirSync(join(root, 'deep', 'er'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

test('the deployment is found from a folder below, and leaves nothing behind', () => {
  expect(findFolder('run.json', join(root, 'deep', 'er'))).toBeUndefined()
  writeRunFile(folder, run)
  expect(findFolder('run.json', join(root, 'deep', 'er'))).toBe(folder)
  expect(readRunFile(folder)).toEqual(run)
  removeRunFile(folder)
  removeRunFile(folder)
  expect(readdirSync(folder)).toEqual([])
})

test('a deployment whose process is gone does not run', () => {
  writeRunFile(folder, { ...run, pid: 2 ** 22 + 1 })
  expect(readRunFile(folder)).toBeUndefined()
})

test('the development secret is made once, for its user alone', () => {
  const secret = developmentSecret(folder)
  expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32)
  expect(developmentSecret(folder)).toBe(secret)
  expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600)
})
