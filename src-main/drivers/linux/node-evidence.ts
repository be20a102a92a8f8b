import type { Clock } from '../../app/ports/clock.ts'
import { AppError } from '../../app/app-error.ts'
import type { LookAtNode, NodeEvidence, NodeQuestions } from '../../app/ports/node-evidence.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { readNetwork } from './node-network.ts'
import { run, runScript, sectionsFrom } from './run.ts'

/**
 * As root where that is allowed, for certificates that lie beside their keys, and for logs. Stdin: a path in each line. Only what stands
 * between the marks of a certificate leaves the node.
 */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
part() { printf '%s\\0' "$1"; cat; printf '\\0'; }
while IFS= read -r path; do
  if [ -d "$path" ]; then set -- "$path"/*; else set -- "$path"; fi
  for file; do
    case $file in *.key|*.ocsp|*.issuer|*.sctl) continue ;; esac
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p;/-----END CERTIFICATE-----/q' "$file" 2>/dev/null | part "cert $file"
  done
done
{
  if [ -d /run/systemd/system ]; then
    journalctl -q --no-pager -p err -S -15min -o cat -u haproxy -u nginx -u keepalived 2>/dev/null | tail -n 20
  fi
  since=$(date -d '-15 min' '+%Y/%m/%d %H:%M:%S' 2>/dev/null) &&
    tail -n 200 /var/log/nginx/error.log 2>/dev/null |
      awk -v since="$since" '/ \\[(emerg|alert|crit|error)\\] / && $1 " " $2 >= since' | tail -n 20
} | part log
`
const reachMs = 2000
const reachedAtOnce = 16
const clockRounds = 4

export function createNodeEvidence({ clock }: { clock: Clock }): LookAtNode {
  return async (session, { reach, certificates }, limits) => {
    const offset = await clockOf(session, clock, limits)
    const reached = await tryAll(session, reach, limits)
    try {
      return { ...(await lookAs('root', session, certificates, limits)), reached, clock: offset }
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'exec.not-permitted') throw thrown
      return { ...(await lookAs('account', session, certificates, limits)), reached, clock: offset }
    }
  }
}

async function lookAs(
  who: 'root' | 'account',
  session: NodeSession,
  certificates: readonly string[],
  limits: CallLimits,
): Promise<Pick<NodeEvidence, 'asRoot' | 'network' | 'certificates' | 'log'>> {
  const asRoot = who === 'root'
  const network = await readNetwork(session, limits, asRoot)
  const { stdout } = await run(session, ['sh', '-c', script], {
    ...limits,
    // a line feed within a path would make two of it
    stdin: certificates.flatMap((path) => (/[\n\r]/.test(path) ? [] : [`${path}\n`])).join(''),
    privileged: asRoot,
    maxBytes: 8 * 1024 * 1024,
  })
  const sections = sectionsFrom(stdout)
  return {
    asRoot,
    network,
    certificates: [...sections].flatMap(([name, pem]) =>
      name.startsWith('cert ') ? [{ path: name.slice('cert '.length), pem: pem === '' ? null : pem }] : [],
    ),
    log: (sections.get('log') ?? '').split('\n').filter((line) => line !== ''),
  }
}

async function tryAll(
  session: NodeSession,
  reach: NodeQuestions['reach'],
  limits: CallLimits,
): Promise<NodeEvidence['reached']> {
  const reached: (string | null)[] = reach.map(() => 'it was not tried')
  const waiting = [...reach.entries()]
  let forbidden = false
  const tryNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !forbidden; next = waiting.shift()) {
      const [index, { host, port }] = next
      const answer = await tryOne(session, host, port, limits)
      if (answer === 'forbidden') forbidden = true
      else reached[index] = answer
    }
  }
  await Promise.all(Array.from({ length: reachedAtOnce }, tryNext))
  return forbidden ? 'unable' : reached
}

async function tryOne(session: NodeSession, host: string, port: number, { signal }: CallLimits): Promise<string | null> {
  try {
    const connection = await session.openTcp(host, port, { signal, timeoutMs: reachMs })
    connection.destroy()
    return null
  } catch (thrown) {
    if (!(thrown instanceof AppError) || signal.aborted) throw thrown
    if (thrown.code === 'ssh.channel-refused') return 'forbidden'
    if (thrown.code === 'ssh.timeout') return `no answer within ${reachMs / 1000} s`
    if (thrown.code === 'exec.failed') return thrown.message
    throw thrown
  }
}

/** The quickest of a few questions tells best: the node's clock was read within its round trip. */
async function clockOf(session: NodeSession, clock: Clock, limits: CallLimits): Promise<NodeEvidence['clock']> {
  let best = { offsetMs: 0, uncertaintyMs: Number.POSITIVE_INFINITY }
  for (let round = 0; round < clockRounds; round += 1) {
    const [before, began] = [clock.now(), clock.monotonic()]
    const { stdout } = await runScript(session, 'date +%s%N', [], { ...limits, maxBytes: 1024 })
    const uncertaintyMs = (clock.monotonic() - began) / 2
    // a date that knows no nanoseconds prints `N`: then whole seconds have to do
    const text = stdout.toString('utf8').trim()
    const nodeMs = /^\d{17,}$/.test(text) ? Number(text.slice(0, -6)) : Number(text.replace(/\D.*$/, '')) * 1000
    if (uncertaintyMs < best.uncertaintyMs) best = { offsetMs: nodeMs - before - uncertaintyMs, uncertaintyMs }
  }
  return { offsetMs: Math.round(best.offsetMs), uncertaintyMs: Math.ceil(best.uncertaintyMs) }
}
