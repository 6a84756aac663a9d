import { connect } from 'node:net'
import { MongoClient } from 'mongodb'

/** True once Redis serves commands; false while it is away or loads its append-only file. */
export async function answersPing(port: number): Promise<boolean> {
  return (await exchange(port, 'PING\r\n')).startsWith('+PONG')
}

export async function answersHello(port: number): Promise<boolean> {
  // The driver tries again after 500 ms only, so the port is knocked at first: that halves a start.
  if (!(await isOpen(port))) return false
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, { serverSelectionTimeoutMS: 2_000 })
  try {
    const hello = await client.db('admin').command({ hello: 1 })
    return hello['isWritablePrimary'] === true
  } catch {
    return false
  } finally {
    await client.close()
  }
}

export async function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 })
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.on('connect', () => settle(true))
    socket.on('error', () => settle(false))
    socket.on('timeout', () => settle(false))
  })
}

/** The first line answered, or '' when there is none. */
async function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 }, () => socket.write(request))
    const settle = (answer: string) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (data) => settle(data.toString()))
    socket.on('error', () => settle(''))
    socket.on('timeout', () => settle(''))
    socket.on('close', () => settle(''))
  })
}
