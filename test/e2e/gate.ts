import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

export type Gate = {
  url: string
  /** Cuts every connection and refuses new ones. */
  shut(): Promise<void>
  /** Lets nothing through connections, old and new: a server that hangs. */
  hang(): void
  open(): Promise<void>
  close(): Promise<void>
}

/** A door in front of a server, so that it can die or hang for one API alone. */
export async function createGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let own = 0
  let isHanging = false

  const pair = (client: Socket) => {
    if (isHanging) {
      sockets.add(client.on('error', () => {}))
      return
    }
    const upstream = connect(Number(port), hostname)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const shut = async () => {
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server = undefined
    cut()
    await closed
  }
  const open = async () => {
    if (isHanging) cut()
    isHanging = false
    if (!server) {
      server = createServer(pair)
      server.listen(own, '127.0.0.1')
      await once(server, 'listening')
      own = (server.address() as AddressInfo).port
    }
  }
  await open()
  return {
    url: target.replace(`${hostname}:${port}`, `127.0.0.1:${own}`),
    shut,
    hang() {
      isHanging = true
      for (const socket of sockets) socket.pause().unpipe()
    },
    open,
    close: shut,
  }
}
