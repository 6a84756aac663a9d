import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** How long what a client asks and what it is answered stays on the way, ms. */
export type Slowness = { askMs?: number; answerMs?: number }

export type Gate = {
  url: string
  /** Cuts every connection and refuses new ones. */
  shut(): Promise<void>
  /** Lets nothing through connections, old and new: a server that hangs. */
  hang(): void
  /** Lets everything through, as late as told and in order. */
  slow(slowness: Slowness): void
  /** As in the beginning. Connections that hung are cut, or stay as they are: their machine was lost, another one took its address. */
  open(options?: { isLost?: boolean }): Promise<void>
  close(): Promise<void>
}

/** A door in front of a server, so that it can die, hang or be far away for one client alone. */
export async function createGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let own = 0
  let isHanging = false
  let slowness: Slowness = {}

  const pair = (client: Socket) => {
    sockets.add(client)
    client.on('error', () => {}).on('close', () => sockets.delete(client))
    if (isHanging) return
    const upstream = connect({ port: Number(port), host: hostname, noDelay: true }).on('error', () => {})
    sockets.add(upstream)
    upstream.on('close', () => {
      sockets.delete(upstream)
      client.destroy()
    })
    client.setNoDelay(true).on('close', () => upstream.destroy())
    carry(client, upstream, () => slowness.askMs ?? 0)
    carry(upstream, client, () => slowness.answerMs ?? 0)
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
  const open = async ({ isLost = false } = {}) => {
    if (isHanging && !isLost) cut()
    isHanging = false
    slowness = {}
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
      for (const socket of sockets) socket.pause().removeAllListeners('data')
    },
    slow: (next) => void (slowness = next),
    open,
    close: shut,
  }
}

/** In order, each piece when it is as old as `delayMs` says at its arrival. */
function carry(from: Socket, to: Socket, delayMs: () => number): void {
  const waiting: { dueMs: number; piece: Buffer }[] = []
  let timer: NodeJS.Timeout | undefined
  const deliver = () => {
    timer = undefined
    while (waiting[0] && waiting[0].dueMs <= performance.now()) to.write(waiting.shift()!.piece)
    if (waiting[0]) timer = setTimeout(deliver, waiting[0].dueMs - performance.now())
  }
  from.on('data', (piece: Buffer) => {
    const ms = delayMs()
    if (ms === 0 && waiting.length === 0) to.write(piece)
    else {
      waiting.push({ dueMs: performance.now() + ms, piece })
      timer ??= setTimeout(deliver, ms)
    }
  })
  to.on('close', () => clearTimeout(timer))
}
