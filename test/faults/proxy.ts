import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from '../../src/embedded/free-port.ts'
import { spawnLeashed } from '../../src/embedded/leash.ts'
import { until } from '../deployment.ts'

const template = new URL('../../deploy/nginx.conf.template', import.meta.url)
/** Not on everybody's PATH. */
const sbin = '/usr/sbin'
const nginx = [...(process.env['PATH'] ?? '').split(delimiter), sbin]
  .map((folder) => join(folder, 'nginx'))
  .find((file) => existsSync(file))

/** Whether tests of the proxy run; where everything must run they do, and fail without it. */
export const hasProxy = nginx !== undefined || process.env['OVATION_TEST'] === 'all'
if (!hasProxy) process.stderr.write('nginx is not installed (on Debian: apt-get install nginx-light): tests of the proxy are skipped\n')

/** nginx with the configuration that docker-compose.yml gives it. `read`, `write`: URLs of the two sides; `other`: of one more reader. */
export async function startProxy({ read, write, other }: { read: string; write: string; other?: string }) {
  if (!nginx) throw new Error('nginx is not installed: on Debian, apt-get install nginx-light')
  const dir = await mkdtemp(join(tmpdir(), 'ovation-proxy-'))
  const port = await freePort()
  const file = join(dir, 'nginx.conf')
  const values = {
    PROXY_LISTEN: `127.0.0.1:${port}`,
    // As docs/operations.md writes several: the template's own parameters follow the last.
    API_READ: [read, other].flatMap((url) => (url ? new URL(url).host : [])).join(' max_conns=1024 max_fails=3 fail_timeout=2s; server '),
    API_WRITE: new URL(write).host,
    RESOLVER: '127.0.0.1', // asked for nothing: there are no names
  }
  await writeFile(file, filledIn(readFileSync(template, 'utf8'), values))
  const logFile = join(dir, 'proxy.log')
  const globals = `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`
  const server = spawnLeashed([nginx, '-p', dir, '-c', file, '-e', 'stderr', '-g', globals], logFile, {})
  const url = `http://127.0.0.1:${port}`
  const log = () => readFileSync(logFile, 'utf8')
  await until(async () => (await fetch(`${url}/healthz`)).ok, 10_000).catch((cause: unknown) => {
    throw new Error(`nginx does not answer:\n${log()}`, { cause })
  })
  return {
    url,
    log,
    async stop() {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
export type Proxy = Awaited<ReturnType<typeof startProxy>>

/** As the entrypoint of nginx's image does it: `envsubst` with the variables that exist. */
function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    if (values[name] === undefined) throw new Error(`the template wants ${name}`)
    return values[name]
  })
}
