import { openNodeRoom, type NodeRoom } from './node-room.ts'

/** HAProxy in master-worker mode in a room of its own; its backend servers are one of its own frontends. */
export interface HaproxyRoom extends NodeRoom {
  start(mode?: string): Promise<void>
  /** kills every HAProxy of the room, which has its own process namespace */
  stop(): Promise<void>
  restartWith(config: string, mode?: string): Promise<void>
  /** one line to the stats socket, past the driver */
  ask(line: string): Promise<string>
}

export const haproxyConfigPath = '/etc/haproxy/haproxy.cfg'
export const haproxyPools = ['be_app/w1', 'be_app/w2', 'be_other/api-1_v2.tyo:green', 'be_tcp/t1']
export const socketLine = 'stats socket /run/admin.sock mode 600 level admin'

/** The servers are well or ill as the map says. */
export const haproxyConfig = `global
    ${socketLine}
    stats timeout 30s
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind /run/web.sock
    default_backend be_app
frontend tcp
    mode tcp
    bind /run/tcp.sock
    default_backend be_tcp
frontend origin
    bind /run/origin.sock
    http-request return status 503 if { str(health),map(/etc/haproxy/origin.map) -m str ill }
    http-request return status 200
backend be_app
    option httpchk GET /health
    default-server check inter 100ms fall 2 rise 2
    server w1 unix@/run/origin.sock weight 10
    server w2 unix@/run/origin.sock
backend be_other
    balance source
    server api-1_v2.tyo:green unix@/run/origin.sock weight 5
backend be_tcp
    mode tcp
    server t1 unix@/run/origin.sock
`

export async function openHaproxyRoom(): Promise<HaproxyRoom> {
  const room = await openNodeRoom(['/etc/haproxy'])
  const write = (config: string) =>
    room.run(`echo 'health well' >/etc/haproxy/origin.map; cat >${haproxyConfigPath} <<'END'\n${config}END\n`)
  const haproxy: HaproxyRoom = {
    ...room,
    async start(mode = '-W -S /run/master.sock') {
      await room.run(`
        rm -f /run/*.sock
        haproxy ${mode} -f ${haproxyConfigPath} -D -p /run/haproxy.pid >/tmp/haproxy.log 2>&1
        answers() { [ -n "$(printf '%s\\n' "$2" | timeout 2 socat - "UNIX-CONNECT:$1" 2>/dev/null)" ]; }
        ready() {
          case '${mode}' in *-S*) answers /run/master.sock '@1 show cli level' || return 1 ;; esac
          if grep -q 'stats socket' ${haproxyConfigPath}; then answers /run/admin.sock 'show cli level'; fi
        }
        i=0; until ready || [ $i = 100 ]; do sleep 0.05; i=$((i+1)); done`)
    },
    async stop() {
      await room.run(
        'pkill -KILL -x haproxy; i=0; while pgrep -x haproxy >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done',
      )
    },
    async restartWith(config, mode) {
      await haproxy.stop()
      await write(config)
      await haproxy.start(mode)
    },
    ask: (line) => room.run(`printf '%s\\n' '${line}' | timeout 5 socat - UNIX-CONNECT:/run/admin.sock`),
  }
  await write(haproxyConfig)
  await haproxy.start()
  return haproxy
}
