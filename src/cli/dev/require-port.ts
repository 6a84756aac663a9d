import { once } from 'node:events'
import { createServer } from 'node:net'
import { Failure } from '../failures.ts'

/** Fails before anything was started where the port cannot be listened on. */
export async function requirePort(port: number, host: string): Promise<void> {
  const probe = createServer()
  probe.listen(port, host)
  await once(probe, 'listening').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be listened on (${error.code})`
    throw new Failure('error', `port ${port} of ${host} ${reason}. Another one: PORT=${port + 1} npm start`, { cause: error })
  })
  probe.close()
  await once(probe, 'close')
}
