import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/** A port that stands for whichever server it is turned to, as a virtual address does in a failover. */
export async function createSwitch(port: number) {
  let target = port
  let isHeld = false
  const open = new Set<Socket>()
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket)
      socket.setNoDelay(true)
      socket
        .on('error', () => {})
        .on('close', () => {
          open.delete(socket)
          other.destroy()
        })
      socket.pipe(other)
    }
    if (isHeld) client.pause()
    clients.add(client.on('close', () => clients.delete(client)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    /** Connections that are open break; new ones lead there. */
    turnTo(next: number): void {
      target = next
      cut()
    },
    /** What clients send stays on the way until it is let through. */
    hold(): void {
      isHeld = true
      for (const client of clients) client.pause()
    },
    letThrough(): void {
      isHeld = false
      for (const client of clients) client.resume()
    },
    close(): void {
      server.close()
      cut()
    },
  }
}
