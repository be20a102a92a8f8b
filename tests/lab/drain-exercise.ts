import type { DrainView, NodeId } from '#contract'
import { pollMs, type ConsoleOnLab } from './console-on-lab.ts'
import type { Lab } from './lab.ts'
import { waitUntil } from './run.ts'
import { startLoad, type LoadResult, type LoadTargets } from './steady-load.ts'

/*
 * The same exercise in several ways: every server of a pool of requests and of a pool of connections is taken out of both balancers of the pair
 * and put back, one of each at a time, while clients of every kind work on both balancers.
 */

export const pair = ['lb1', 'lb2'] as NodeId[]

export interface Exercise {
  targets: LoadTargets
  /** what is taken out together, and comes back before the next: as the balancers name it */
  turns: readonly (readonly Server[])[]
}

interface Server {
  /** as the console names it */
  id: string
  pool: string
  name: string
}

const onNode = async (lab: Lab, node: string, script: string): Promise<string> => {
  const { code, stdout, stderr } = await lab.exec(node, ['sh', '-c', script], { timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`"${script}" on ${node} ended with ${code}: ${stderr}`)
  return stdout
}
const onBoth = (lab: Lab, script: string): Promise<string[]> => Promise.all(pair.map((node) => onNode(lab, node, script)))
const dataOf = (lab: Lab): string[] => pair.map((node) => lab.node(node).data)

export function haproxyExercise(lab: Lab): Exercise {
  const server = (pool: string, name: string): Server => ({ id: `edge/haproxy/${pool}/${name}`, pool, name })
  const turns = [1, 2, 3].map((number) => [
    server('be_web', `web${number}`),
    ...(number < 3 ? [server('be_db', `db${number}`)] : []),
  ])
  const to = (port: number): string[] => dataOf(lab).map((address) => `${address}:${port}`)
  return { targets: { http: to(80), tcp: to(5432) }, turns }
}

const loadFile = '/etc/nginx/conf.d/load.conf'

/** Gives both balancers a pool of three servers that passes WebSockets on, beside the pool of `stream` that they have. */
export async function nginxExercise(lab: Lab): Promise<Exercise> {
  const addresses = lab.topology.backends.map(({ address }) => address)
  const text = `upstream load {
    zone load 64k;
${addresses
  .slice(0, 3)
  .map((address) => `    server ${address}:8000;`)
  .join('\n')}
    keepalive 16;
}
map $http_upgrade $upgraded { default upgrade; '' ''; }
server {
    listen 8090;
    location / {
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $upgraded;
        proxy_pass http://load;
    }
}
`
  await onBoth(lab, `cat > ${loadFile} <<'END'\n${text}END\nnginx -t && nginx -s reload`)
  const http = (at: number): Server => serverOf('nginx', 'load', `${addresses[at] ?? ''}:8000`)
  const stream = (at: number): Server => serverOf('nginx-stream', 'mq', `${addresses[at] ?? ''}:8001`)
  const turns = [[http(0), stream(3)], [http(1), stream(4)], [http(2)]]
  const to = (port: number): string[] => dataOf(lab).map((address) => `${address}:${port}`)
  return { targets: { http: to(8090), tcp: to(8083) }, turns }
}

const serverOf = (kind: string, pool: string, name: string): Server => ({ id: `edge/${kind}/${pool}/${name}`, pool, name })

/** Runs something under load and gives back what the clients saw. */
export async function underLoad(lab: Lab, folder: string, targets: LoadTargets, act: () => Promise<void>): Promise<LoadResult> {
  const load = startLoad(lab, folder, targets)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await act()
  return load.stop()
}

/** Drains as the console does: out, empty, put back. */
export async function drainInTurn({ client }: ConsoleOnLab, { turns }: Exercise): Promise<DrainView[]> {
  const ended: DrainView[] = []
  for (const servers of turns) {
    // what is foretold is foretold from what was read last
    await client.call('fleet.refresh', {})
    const { id } = await client.call('drain.start', {
      targets: servers.map((server) => server.id),
      nodes: pair,
      reason: 'exercise',
    })
    const until = async (state: DrainView['state']): Promise<void> => {
      let view: DrainView | null = null
      const is = async (): Promise<boolean> => (view = await client.call('drain.get', { drain: id })).state === state
      await waitUntil(`the drain of ${servers.map(({ name }) => name).join(' and ')} is ${state}`, 60_000, is, 100).catch(
        (thrown: unknown) => {
          throw new Error(`${String(thrown)} ${JSON.stringify(view)}`)
        },
      )
    }
    await until('empty')
    // what became of the shares is known when the balancers have been read twice more
    for (let reading = 0; reading < 3; reading += 1) {
      await new Promise((resolve) => setTimeout(resolve, pollMs))
      await client.call('fleet.refresh', {})
    }
    await client.call('drain.putBack', { drain: id })
    await until('ended')
    ended.push(await client.call('drain.get', { drain: id }))
  }
  return ended
}

/** Takes out by maintenance, ends what is there, and brings back: what is done in a hurry. */
export async function cutInHaproxy(lab: Lab, { turns }: Exercise): Promise<void> {
  const tell = (commands: readonly string[]): Promise<string[]> =>
    onBoth(lab, `echo '${commands.join(';')}' | socat -t5 - UNIX-CONNECT:/run/haproxy/admin.sock`)
  for (const servers of turns) {
    const names = servers.map(({ pool, name }) => `${pool}/${name}`)
    await tell(names.flatMap((name) => [`set server ${name} state maint`, `shutdown sessions server ${name}`]))
    await tell(names.map((name) => `set server ${name} state ready`))
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
}

/** The same on nginx: `down`, reload, and the workers of before killed; back without `down`. */
export async function cutInNginx(lab: Lab, { turns }: Exercise): Promise<void> {
  const files = `${loadFile} /etc/nginx/nginx.conf`
  const edit = (servers: readonly Server[], from: string, to: string): string =>
    `sed -i ${servers.map(({ name }) => `-e 's/\\(server ${name}[^;]*\\)${from};/\\1${to};/'`).join(' ')} ${files}`
  const reload = `old=$(pgrep -P $(cat /run/nginx.pid)); nginx -s reload; sleep 0.5; kill -TERM $old 2>/dev/null || true`
  for (const servers of turns) {
    await onBoth(lab, `${edit(servers, '', ' down')}; ${reload}`)
    await onBoth(lab, `${edit(servers, ' down', '')}; ${reload}`)
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
}

/** How often the nginx of each balancer has reloaded so far. */
export async function reloadsOf(lab: Lab): Promise<number[]> {
  const counts = await onBoth(lab, `grep -c ': reconfiguring$' /var/log/nginx/error.log || true`)
  return counts.map(Number)
}

/** As many bare reloads on each balancer. */
export async function reloadBare(lab: Lab, times: readonly number[]): Promise<void> {
  await Promise.all(
    pair.map(async (node, at) => {
      for (let done = 0; done < (times[at] ?? 0); done += 1) await onNode(lab, node, 'nginx -s reload; sleep 1.5')
    }),
  )
}
