import type { Clock } from '../../app/ports/clock.ts'
import { AppError } from '../../app/app-error.ts'
import type { LookAtNode, NodeEvidence, NodeQuestions } from '../../app/ports/node-evidence.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { readNetwork } from './node-network.ts'
import { run, runScript, sectionsFrom } from './run.ts'

/**
 * As root where that is allowed, for certificates that lie beside their keys, and for logs. Stdin: `cert PATH` and `reach NUMBER HOST PORT`, a line each; 32
 * connections are tried at a time, two seconds each. Only what stands between the marks of a certificate leaves the node.
 */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
part() { printf '%s\\0' "$1"; cat; printf '\\0'; }
reach() {
  if command -v bash >/dev/null 2>&1; then
    said=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>&1); code=$?
  else
    said=$(nc -z -w 2 "$2" "$3" 2>&1); code=$?
  fi
  [ "$code" = 124 ] && said='no answer within 2 s'
  [ "$code" = 0 ] && said= || said=\${said##*: }
  printf '%s %s %s\\n' "$1" "$code" "$(printf %s "$said" | tr '\\n' ' ')"
}
certs=; running=0
command -v bash >/dev/null 2>&1 || command -v nc >/dev/null 2>&1 || echo unable
while read -r kind rest; do
  if [ "$kind" = cert ]; then certs="$certs$rest
"; else
    reach $rest &
    running=$((running + 1)); [ $((running % 32)) = 0 ] && wait
  fi
done
wait
printf '\\0'
IFS='
'
set -f
for path in $certs; do
  set +f
  if [ -d "$path" ]; then set -- "$path"/*; else set -- "$path"; fi
  for file; do
    case $file in *.key|*.ocsp|*.issuer|*.sctl) continue ;; esac
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p;/-----END CERTIFICATE-----/q' "$file" 2>/dev/null | part "cert $file"
  done
done
unset IFS
{
  if [ -d /run/systemd/system ]; then
    journalctl -q --no-pager -p err -S -15min -o cat -u haproxy -u nginx -u keepalived 2>/dev/null | tail -n 20
  fi
  since=$(date -d '-15 min' '+%Y/%m/%d %H:%M:%S' 2>/dev/null) &&
    tail -n 200 /var/log/nginx/error.log 2>/dev/null |
      awk -v since="$since" '/ \\[(emerg|alert|crit|error)\\] / && $1 " " $2 >= since' | tail -n 20
} | part log
`
const clockRounds = 4

export function createNodeEvidence({ clock }: { clock: Clock }): LookAtNode {
  return async (session, questions, limits) => {
    const offset = await clockOf(session, clock, limits)
    try {
      return { ...(await lookAs('root', session, questions, limits)), clock: offset }
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'exec.not-permitted') throw thrown
      return { ...(await lookAs('account', session, questions, limits)), clock: offset }
    }
  }
}

async function lookAs(
  who: 'root' | 'account',
  session: NodeSession,
  { reach, certificates }: NodeQuestions,
  limits: CallLimits,
): Promise<Omit<NodeEvidence, 'clock'>> {
  const asRoot = who === 'root'
  const lines = [
    // a path with a line feed in it could pass for a question
    ...certificates.filter((path) => !/[\n\r]/.test(path)).map((path) => `cert ${path}`),
    ...reach.map(({ host, port }, index) => `reach ${index} ${host} ${port}`),
  ]
  const stdin = lines.map((line) => `${line}\n`).join('')
  const network = await readNetwork(session, limits, asRoot)
  const { stdout } = await run(session, ['sh', '-c', script], {
    ...limits,
    stdin,
    privileged: asRoot,
    maxBytes: 8 * 1024 * 1024,
  })
  const end = stdout.indexOf(0)
  const sections = sectionsFrom(stdout.subarray(end + 1))
  return {
    asRoot,
    network,
    reached: reachedFrom(stdout.subarray(0, end).toString('utf8'), reach.length),
    certificates: [...sections].flatMap(([name, pem]) =>
      name.startsWith('cert ') ? [{ path: name.slice('cert '.length), pem: pem === '' ? null : pem }] : [],
    ),
    log: (sections.get('log') ?? '').split('\n').filter((line) => line !== ''),
  }
}

function reachedFrom(text: string, count: number): NodeEvidence['reached'] {
  if (text.startsWith('unable')) return 'unable'
  const answers = new Map(
    [...text.matchAll(/^(\d+) (\d+) (.*)$/gm)].map(([, index, code, said = '']) => [
      Number(index),
      code === '0' ? null : said.trim() || `it ended with ${code}`,
    ]),
  )
  return Array.from({ length: count }, (_, index) => {
    const answer = answers.get(index)
    return answer === undefined ? 'it was not tried' : answer
  })
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
