import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Machine } from '../../src-main/practice/machine/machine.ts'
import { runNginx } from '../../src-main/practice/nginx/program.ts'
import { within } from '../contract/local-session.ts'
import { startPracticeNode, type PracticeNode } from '../unit/practice/ssh/practice-node.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

interface Said {
  code: number | null
  stdout: string
  stderr: string
}

/** What tests/unit/practice/nginx/check.test.ts takes for true. */
const measured = JSON.parse(readFileSync('tests/fixtures/practice-nginx/measured.json', 'utf8')) as { config: string }[]

const commandLines = [
  ['-v'],
  ['-h'],
  ['-?'],
  ['-tq'],
  ['-T'],
  ['-t', '-c', 'nosuch.conf'],
  ['-t', '-c', '/etc/nginx/nginx.conf', '-p', '/etc/nginx'],
  ['-t', '-g', 'worker_processes 3'],
  ['-t', '-g', 'worker_processes 3;'],
  ['-t', '-g', 'oops;'],
  ['-x'],
  ['nope'],
  ['-c'],
  ['-s'],
  ['-s', 'nope'],
  ['-s', 'reload'],
  ['-s', 'stop', '-c', '/nosuch'],
]

const folder = '/etc/nginx'
const config = (more = '') => `load_module modules/ngx_stream_module.so;
user www-data;
worker_processes 2;
error_log /var/log/nginx/error.log notice;
events { worker_connections 64; }
http {
    access_log /var/log/nginx/access.log;
    limit_req_zone $binary_remote_addr zone=l:1m rate=1r/m;
    upstream none { server 127.0.0.1:9001 down; }
    upstream gone { zone gone 64k; server 127.0.0.1:9002; server 127.0.0.1:9003; }
    server {
        listen 127.0.0.1:8080;
        server_name a;
        location / { return 200 "hello $host $uri"; }
        location /r { return 301 /x; }
        location /none { proxy_pass http://none; }
        location /gone { proxy_pass http://gone; }
        location /limited { limit_req zone=l; limit_req_status 429; proxy_pass http://none; }
        location /closed { deny all; }
        location = /status { stub_status; allow 127.0.0.1; deny all; }
        location /missing { }
    }
    ${more}
}
stream { server { listen 127.0.0.1:8083; proxy_pass 127.0.0.1:9003; } }
`

/** The same command lines, configurations, signals and requests to both; what they say stands side by side. */
describeLab('the practice nginx beside the real one', () => {
  let room: NodeRoom
  let node: PracticeNode
  let machine: Machine

  async function real(argv: readonly [string, ...string[]]): Promise<Said> {
    const { code, stdout, stderr } = await room.session.exec(argv, { ...within(20_000), maxBytes: 1024 * 1024 })
    return { code, stdout: stdout.toString('utf8'), stderr }
  }
  async function practice(argv: readonly [string, ...string[]]): Promise<Said> {
    const { code, stdout, stderr } = await machine.run(argv)
    return { code, stdout: stdout.toString('utf8'), stderr }
  }
  async function write(path: string, text: string): Promise<void> {
    machine.files.write(path, text)
    await room.run(`printf %s ${Buffer.from(text).toString('base64')} | base64 -d >${path}`)
  }
  /** One shell script on both. */
  async function both(script: string): Promise<[Said, Said]> {
    const said = await Promise.all([practice(['sh', '-c', script]), real(['sh', '-c', script])])
    return [plain(said[0]), plain(said[1])]
  }

  beforeAll(async () => {
    room = await openNodeRoom([folder, '/var/log'], { network: 'private' })
    await room.run('ip link set lo up; mkdir /var/log/nginx')
    node = await startPracticeNode()
    machine = node.machine
    machine.programs.install('/usr/sbin/nginx', runNginx)
    for (const path of [folder, '/var/log/nginx']) machine.files.makeDirectory(path, { parents: true })
  })
  afterAll(async () => {
    await node.close()
    await room.close()
  })

  it('-t, over every configuration of the fixture', async () => {
    for (const { config: text } of measured) {
      await write('/tmp/c.conf', text)
      const [ours, theirs] = await both('rm -f /tmp/p /tmp/e; exec nginx -t -c /tmp/c.conf')
      expect(ours, text).toEqual(theirs)
    }
  }, 120_000)

  it.each(commandLines.map((argv) => [argv.join(' '), argv] as const))('nginx %s', async (_, argv) => {
    await write(`${folder}/nginx.conf`, 'include part/*.conf;\nevents {}\n')
    const script = `mkdir -p ${folder}/part; echo 'pid /tmp/p;' >${folder}/part/pid.conf; exec nginx ${argv.map((word) => `'${word}'`).join(' ')}`
    const [ours, theirs] = await both(script)
    expect(ours).toEqual(theirs)
  })

  it('what it was built with', async () => {
    const shape = ({ code, stderr }: Said) => ({ code, stderr: stderr.replace(/^built with OpenSSL.*$/m, '') })
    expect(shape(await practice(['nginx', '-V']))).toEqual(shape(await real(['nginx', '-V'])))
  })

  it('starts, reloads, refuses, reopens and ends, with the same processes, files and lines', async () => {
    await write(`${folder}/nginx.conf`, config())
    await write('/tmp/clash.conf', config('server { listen 127.0.0.1:8083; }'))
    await write('/tmp/broken.conf', config('oops;'))
    // Until nothing has changed for more than a second.
    const quiet = `
      seen() { for d in /proc/[0-9]*; do tr "\\0" "\\n" 2>/dev/null <$d/cmdline | head -n 1; done | grep ^nginx: | sort; cat /var/log/nginx/error.log; }
      last= same=0 i=0
      while [ $same -lt 3 ] && [ $i -lt 60 ]; do
        sleep 0.4; now=$(seen); if [ "$now" = "$last" ]; then same=$((same + 1)); else same=0 last=$now; fi; i=$((i + 1))
      done
      echo "$now"; [ -e /run/nginx.pid ]; echo $?; : >/var/log/nginx/error.log`
    const steps = [
      'nginx',
      'nginx -s reload',
      'kill -HUP $(cat /run/nginx.pid)',
      'cp /tmp/broken.conf /etc/nginx/nginx.conf; nginx -s reload',
      'kill -HUP $(cat /run/nginx.pid)',
      'cp /tmp/clash.conf /etc/nginx/nginx.conf; nginx -s reload',
      'kill -KILL $(pgrep -P $(cat /run/nginx.pid) | head -n 1)',
      'mv /var/log/nginx/error.log /var/log/nginx/error.1; nginx -s reopen',
      'kill -WINCH $(cat /run/nginx.pid)',
      'nginx -s quit',
      'nginx -s stop',
    ]
    for (const step of steps) {
      const [ours, theirs] = await both(`${step}; echo $?; ${quiet}`)
      expect({ ...ours, stdout: settled(ours.stdout) }, step).toEqual({
        ...theirs,
        stdout: settled(theirs.stdout),
      })
    }
  }, 120_000)

  it('answers alike', async () => {
    await write(`${folder}/nginx.conf`, config())
    await both('nginx; sleep 0.3; : >/var/log/nginx/access.log; : >/var/log/nginx/error.log')
    const paths = [
      '/',
      '/a/../b//c?d',
      '/r',
      '/none',
      '/gone',
      '/gone',
      '/limited',
      '/limited',
      '/closed',
      '/status',
      '/missing',
      '/missing/',
    ]
    for (const path of paths) {
      const script = `curl -si 'http://127.0.0.1:8080${path}'`
      const [ours, theirs] = [await practice(['sh', '-c', script]), await real(['sh', '-c', `${script} -A curl/7.88.1`])]
      expect(headAndBody(ours), path).toEqual(headAndBody(theirs))
    }
    const logs = 'sleep 0.3; cat /var/log/nginx/access.log; grep -E "\\\\[(error|alert)\\\\]" /var/log/nginx/error.log'
    const [ours, theirs] = await both(logs)
    expect(ours.stdout).toBe(theirs.stdout)
    await both('nginx -s stop')
  }, 60_000)
})

/** Without times, process ids and what numbers them. */
function plain(said: Said): Said {
  const without = (text: string) =>
    text
      .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /gm, '')
      .replace(/\b\d+#\d+: /g, '')
      .replace(/: \*\d+ |^(\[\w+\]) \*\d+ /gm, '$1 ')
      .replace(/\[\d\d\/\w{3}\/\d{4}:[^\]]*\]/g, '[…]')
      .replace(/(worker process|from|excess:) [\d.]+/g, '$1 …')
  return { code: said.code, stdout: without(said.stdout), stderr: without(said.stderr) }
}

/**
 * Lines of several processes come in any order; who sent a signal, and what only a real kernel tells, a practice nginx does not know.
 */
const settled = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !/SIGIO|getrlimit|OS: Linux|signal 17|upstream server temporarily disabled/.test(line))
    .map((line) => line.replace(/ received from …/, ' received'))
    .sort()

function headAndBody({ stdout }: Said): { status: string; headers: string[]; body: string } {
  const [head = '', body = ''] = stdout.split(/\r\n\r\n(.*)/s)
  const [status = '', ...headers] = head.split('\r\n')
  const kept = headers.map((line) => line.toLowerCase()).filter((line) => !/^(date|connection):/.test(line))
  return { status: status.replace(/^(\S+ \d+).*/, '$1'), headers: kept.sort(), body: body.replace(/^ \d+ \d+ \d+ $/m, '…') }
}
