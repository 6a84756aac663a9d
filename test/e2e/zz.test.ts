import { test } from 'vitest'
import { setTimeout as delay } from 'node:timers/promises'
import { connectMongo } from '../../src/mongo/connect.ts'
import { createGate } from './gate.ts'
import { createDeployment } from '../deployment.ts'

test('hang?', async () => {
  const d = createDeployment()
  const gate = await createGate(d.mongodbUrl)
  const { db, close } = connectMongo(gate.url, { poolSize: 20, purpose: 'read' })
  const go = () => db.collection('x').find({}, { maxTimeMS: 1000 }).toArray()
  console.log('first', await go())
  for (let round = 0; round < 8; round++) {
    await gate.open()
    await delay(round * 5)
    for (let i = 0; i < 3; i++) {
      const begin = Date.now()
      const r = await Promise.race([go().then(() => 'ok', (e) => e.message), delay(5000, 'HANG')])
      console.log(round, i, r, Date.now() - begin)
    }
  }
  await Promise.race([close(), delay(1000)]); await gate.close(); await d.close()
})
