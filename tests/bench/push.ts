import { setTimeout } from 'node:timers/promises'
import type { NodeConfig, NodeId, PushRecord } from '#contract'
import type { ConfigAdmin } from '../../src-main/app/ports/config-admin.ts'
import type { Driver } from '../../src-main/app/ports/driver.ts'
import { createDrivers } from '../../src-main/drivers/registry.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab } from '../lab/console-on-lab.ts'
import { currentInstance } from '../lab/instance.ts'
import { isUp, openLab, type Lab } from '../lab/lab.ts'
import { ended } from '../lab/push-exercise.ts'
import { whyNoLab } from '../lab/requirements.ts'
import { up } from '../lab/up-down.ts'

const PRACTICE_NODES = 8
const WATCH_MS = 10_000
const haproxyFile = '/etc/haproxy/haproxy.cfg'

/** Milliseconds that were spent in each part of a node's transaction. */
type Spent = Record<'check' | 'arm' | 'replace' | 'reload' | 'confirm', number>

/**
 * A comment in HAProxy's configuration of twelve nodes, the four of the lab on which the console is root, and eight of the practice fleet:
 * the whole, and what the transaction of a node takes beside its daemon's own check and reload.
 */
export async function benchPush(): Promise<void> {
  const reason = await whyNoLab({ browser: false })
  if (reason !== null) return console.log(`\n(g) a push: skipped. ${reason}`)
  const wasUp = isUp(currentInstance())
  // with its node of systemd's there are four on which the console is root
  const lab = openLab(currentInstance(), await up(currentInstance(), { systemd: true }))
  const place = makeWorkplace()
  try {
    await lab.restoreAll()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    if (imported.code !== 0) throw new Error(imported.stderr)
    const spent = new Map<NodeId, Spent>()
    const application = await openConsole(place, { drivers: timedDrivers(spent) })
    try {
      const own = lab.topology.nodes.flatMap(({ id, user }) => (user === 'root' ? [id as NodeId] : []))
      await application.client.call('practice.open', { nodes: PRACTICE_NODES, servers: 8 })
      const { nodes } = await application.client.call('inventory.get', {})
      const all = nodes
        .map(({ id }) => id)
        .filter((id) => own.includes(id) || !lab.topology.nodes.some((each) => each.id === id))
      const began = performance.now()
      const record = await push(application, all)
      const tookMs = performance.now() - began
      console.log(`\n(g) a push to ${all.length} nodes in ${record.waves.length} waves, each watched for ${WATCH_MS / 1000} s`)
      console.log(`  ${record.state} after ${(tookMs / 1000).toFixed(1)} s: ${record.said}`)
      printSpent(
        'the lab',
        [...spent].flatMap(([id, each]) => (own.includes(id) ? [each] : [])),
        await byHandMs(lab, own),
      )
      printSpent(
        'practice',
        [...spent].flatMap(([id, each]) => (own.includes(id) ? [] : [each])),
        null,
      )
      await application.client.call('practice.close', {})
      const settings = await application.client.call('settings.get', {})
      await application.client.call('settings.put', { ...settings, pollMs: 60_000 })
      await pushAlone('one node alone', application, lab, spent)
      if (await makeLarge(lab)) await pushAlone(`${largeWhat}, alone`, application, lab, spent)
    } finally {
      await application.client.call('practice.close', {})
      await application.close()
    }
  } finally {
    place.clear()
    await lab.exec(aloneNode, ['rm', '-rf', '/etc/haproxy/large'])
    if (wasUp) await lab.restoreAll()
    else await lab.down()
  }
}

const aloneNode = 'lb2' as NodeId
const RUNS_ALONE = 7
/** After something has happened to it, a node is read more often for a while. */
const calm = (): Promise<void> => setTimeout(3000)
const [BACKENDS, SERVERS_EACH, CERTIFICATES] = [60, 50, 400]

/** What a fleet in earnest has: thousands of servers and some hundred certificates, which the daemon needs a while to read. */
function largeText(text: string): string {
  const server = (index: number): string => `    server s${index} 198.18.1.${31 + (index % 6)}:8000 check inter 120s`
  const backend = (index: number): string =>
    [`backend be_large${index}`, '    balance roundrobin', ...Array.from({ length: SERVERS_EACH }, (_, at) => server(at))].join(
      '\n',
    )
  const backends = Array.from({ length: BACKENDS }, (_, index) => backend(index))
  return `${text}\nfrontend fe_large\n    bind *:8443 ssl crt /etc/haproxy/large/\n    default_backend be_large0\n${backends.join('\n')}\n`
}

const makeCertificates = `
mkdir -p /etc/haproxy/large && cd /etc/haproxy/large || exit
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 30 -subj /CN=large 2>/dev/null && cat cert key > 1.pem && rm cert key || exit
for n in $(seq 2 ${CERTIFICATES}); do cp 1.pem $n.pem; done
`

const largeWhat = `one node with ${BACKENDS * SERVERS_EACH} more servers and ${CERTIFICATES} certificates`

/** False: it could not be made. */
async function makeLarge(lab: Lab): Promise<boolean> {
  const { code, stderr } = await lab.exec(aloneNode, ['sh', '-c', makeCertificates], { timeoutMs: 60_000 })
  if (code !== 0) {
    console.log(`  no certificates could be made for a large configuration: ${stderr}`)
    return false
  }
  const { stdout: text } = await lab.exec(aloneNode, ['cat', haproxyFile])
  await lab.exec(aloneNode, ['sh', '-c', `cat > ${haproxyFile}`], { stdin: largeText(text) })
  await byHandMs(lab, [aloneNode])
  return true
}

/** The same push of a comment to one node, watched for no time, beside check and reload by hand: in turn, while the fleet is hardly read. */
async function pushAlone(what: string, application: ConsoleOnLab, lab: Lab, spent: Map<NodeId, Spent>): Promise<void> {
  const own: Spent[] = []
  const bare: number[] = []
  const safe: number[] = []
  for (let run = 0; run < RUNS_ALONE; run += 1) {
    spent.delete(aloneNode)
    await calm()
    const { state, said } = await push(application, [aloneNode], 0)
    if (state !== 'succeeded') return console.log(`  ${what}: ${said}`)
    const each = spent.get(aloneNode)
    if (each !== undefined) own.push(each)
    await calm()
    bare.push(await byHandMs(lab, [aloneNode]))
    await calm()
    safe.push(await byHandMs(lab, [aloneNode], safelyByHand))
  }
  printSpent(what, own, medianOf(bare))
  const ratio = (medianOf(safe) / medianOf(bare)).toFixed(2)
  console.log(`    lock, guard and check apart by hand, in one script on the node: ${medianOf(safe).toFixed(0)} ms, ${ratio} ×`)
}

async function push(application: ConsoleOnLab, nodes: readonly NodeId[], watchMs = WATCH_MS): Promise<PushRecord> {
  const configs = await Promise.all(nodes.map((node) => application.client.call('config.fetch', { node, secrets: false })))
  const files = configs.map(changedFile)
  const { id } = await application.client.call('push.start', { files, reason: 'bench', watchMs })
  return ended(application, id)
}

function changedFile({ nodeId, files }: NodeConfig) {
  const file = files.find(({ path }) => path === haproxyFile)
  if (file === undefined || file.text === null || file.sha256 === null) throw new Error(`${nodeId} has no ${haproxyFile}.`)
  const { path, text, sha256 } = file
  return { nodeId, path, baseSha256: sha256, baseText: text, text: `${text}# bench\n` }
}

/** `bareMs`: what the daemon's own check and reload take by hand; null: not measured. */
function printSpent(where: string, all: readonly Spent[], bareMs: number | null): void {
  const nodes = all.filter(({ reload }) => reload > 0)
  if (nodes.length === 0) return console.log(`  ${where}: nothing was reloaded`)
  const parts = ['check', 'arm', 'replace', 'reload', 'confirm'] as const
  const medians = parts.map((part) => medianOf(nodes.map((spent) => spent[part])))
  const sum = medians.reduce((total, each) => total + each, 0)
  console.log(
    `  ${where}, ${nodes.length} reloads, ms: ${parts.map((part, index) => `${part} ${medians[index]?.toFixed(0)}`).join(', ')}`,
  )
  if (bareMs === null) return
  console.log(`    together ${sum.toFixed(0)} ms; the daemon's own check and reload, by hand: ${bareMs.toFixed(0)} ms`)
  console.log(
    `    ${(sum / bareMs).toFixed(1)} ×, and ${((sum + WATCH_MS) / (bareMs + WATCH_MS)).toFixed(2)} × where both are watched`,
  )
}

const medianOf = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN

const reloadByHand = `
worker() { echo 'show info' | socat - UNIX-CONNECT:/run/haproxy/admin.sock 2>/dev/null | sed -n 's/^Pid: //p'; }
old=$(worker)
kill -USR2 "$(cat /run/haproxy.pid)"
i=0
until new=$(worker) && [ -n "$new" ] && [ "$new" != "$old" ]; do
  i=$((i + 1)); [ $i -lt 2000 ] || exit 1
  sleep 0.005
done
`

/** `haproxy -c`, the signal, and until the worker that answers is another one. */
const byHand = `haproxy -c -q -f ${haproxyFile} || exit 1\n${reloadByHand}`

/** What a push does for safety, as one command on the node itself: a lock, a pre-image behind a guard, the check apart from the live file. */
const safelyByHand = `
lock=/run/bench.lock keep=/etc/haproxy/.bench-before temp=/etc/haproxy/.bench-after
mkdir $lock && ln ${haproxyFile} $keep || exit 1
trap 'rm -rf $lock $keep $temp' EXIT
cp -p ${haproxyFile} $temp && echo '# bench' >> $temp || exit 1
unshare -m sh -c 'mount --bind "$1" ${haproxyFile} && exec haproxy -c -q -f ${haproxyFile}' sh $temp || exit 1
setsid sh -c 'echo $$ > "$1/pid"; sleep 60; mv "$2" ${haproxyFile}; kill -USR2 "$(cat /run/haproxy.pid)"' sh $lock $keep </dev/null >/dev/null 2>&1 &
until [ -s $lock/pid ]; do sleep 0.01; done
kill -0 "$(cat $lock/pid)" && sync $temp && mv $temp ${haproxyFile} || exit 1
${reloadByHand}
kill -- "-$(cat $lock/pid)"
`

async function byHandMs(lab: Lab, nodes: readonly NodeId[], script = byHand): Promise<number> {
  const took: number[] = []
  for (const node of nodes) {
    const began = performance.now()
    const { code, stderr } = await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })
    if (code === 0) took.push(performance.now() - began)
    else console.log(`  ${node} has no HAProxy that is reloaded by hand: ${stderr.trim()}`)
  }
  return medianOf(took)
}

function timedDrivers(spent: Map<NodeId, Spent>): Driver[] {
  return [...createDrivers({ clock: systemClock }).values()].map((driver) => ({
    kind: driver.kind,
    detect: (...args) => driver.detect(...args),
    bind(detected) {
      const bound = driver.bind(detected)
      return Object.assign(bound, { configAdmin: bound.configAdmin === null ? null : timed(bound.configAdmin, spent) })
    },
  }))
}

function timed(admin: ConfigAdmin, spent: Map<NodeId, Spent>): ConfigAdmin {
  async function clock<T>(nodeId: NodeId, part: keyof Spent, work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      return await work()
    } finally {
      const each = spent.get(nodeId) ?? { check: 0, arm: 0, replace: 0, reload: 0, confirm: 0 }
      each[part] += performance.now() - began
      spent.set(nodeId, each)
    }
  }
  return {
    ...admin,
    check: (session, ...rest) => clock(session.nodeId, 'check', () => admin.check(session, ...rest)),
    arm: (session, ...rest) => clock(session.nodeId, 'arm', () => admin.arm(session, ...rest)),
    replace: (session, ...rest) => clock(session.nodeId, 'replace', () => admin.replace(session, ...rest)),
    reload: (session, ...rest) => clock(session.nodeId, 'reload', () => admin.reload(session, ...rest)),
    confirm: (session, ...rest) => clock(session.nodeId, 'confirm', () => admin.confirm(session, ...rest)),
  }
}
