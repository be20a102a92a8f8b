import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { driverSuite, type DriverRig, type Undo } from '../contract/driver-suite.ts'
import { systemClock } from '../../src-main/system-clock.ts'

import { openNodeRoom, type NodeRoom } from './node-room.ts'

const main = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    include conf.d/*.conf;
    server { listen 127.0.0.1:8081; location = /stub_status { stub_status; } }
}
stream {
    upstream app { server 127.0.0.1:9005; }
    server { listen 127.0.0.1:8083; proxy_pass app; }
}
`
const site = `upstream app { least_conn; server 127.0.0.1:9001; server 127.0.0.1:9002 backup; }
upstream "odd name;{}" { server unix:/run/odd.sock; server [::1]; }
server { listen 127.0.0.1:8080; location / { proxy_pass http://app; } }
`

/** Resolves when the new workers serve and the old ones, which have no sessions here, are gone. */
async function reloadWith(room: NodeRoom, text: string): Promise<void> {
  await room.run(`
    cat >/etc/nginx/conf.d/site.conf <<'END'\n${text}END
    old=$(pgrep -P $(cat /run/nginx.pid))
    nginx -s reload 2>/dev/null
    for pid in $old; do i=0; while [ -d /proc/$pid ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; done`)
}

const startDaemon = (room: NodeRoom): Promise<string> => room.run('nginx 2>/dev/null; [ -s /run/nginx.pid ]')

async function stopDaemon(room: NodeRoom): Promise<void> {
  await room.run(
    'pkill -KILL -x nginx; i=0; while pgrep -r R,S,D,T -x nginx >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done',
  )
}

async function openRig(): Promise<DriverRig> {
  const room = await openNodeRoom(['/etc/nginx'], { network: 'private' })
  await room.run(`
    ip link set lo up
    mkdir /etc/nginx/conf.d
    cat >/etc/nginx/nginx.conf <<'END'\n${main}END
    cat >/etc/nginx/conf.d/site.conf <<'END'\n${site}END`)
  await startDaemon(room)
  return {
    driver: createNginxDriver({ clock: systemClock }),
    session: room.session,
    facts: room.facts,
    overrides: {},
    expected: {
      version: /^\d+\.\d+\.\d+/,
      configFiles: ['/etc/nginx/nginx.conf', '/etc/nginx/conf.d/site.conf'],
      endpoints: ['binary', 'ss', 'stubStatus'],
      subjects: [
        'app/127.0.0.1:9001',
        'app/127.0.0.1:9002',
        'app/127.0.0.1:9005',
        'odd name;{}/unix:/run/odd.sock',
        'odd name;{}/[::1]:80',
      ],
    },
    // Open-source nginx tells of no failure; what an operator takes out shows once the workers have loaded it.
    breakSubject: {
      subject: 'app/127.0.0.1:9001',
      state: 'maintenance',
      async run() {
        await reloadWith(room, site.replace('127.0.0.1:9001', '127.0.0.1:9001 down'))
        return () => reloadWith(room, site)
      },
    },
    async stopDaemon(): Promise<Undo> {
      await stopDaemon(room)
      return async () => void (await startDaemon(room))
    },
    // Nothing that is read depends on the workers, except the status page, which is done without.
    freeze: {
      reads: 'answers',
      async run() {
        await room.run('pkill -STOP -x nginx')
        return async () => void (await room.run('pkill -CONT -x nginx'))
      },
    },
    async uninstall() {
      await stopDaemon(room)
      await room.run('mount --bind /dev/null /usr/sbin/nginx')
      return async () => {
        await room.run('umount /usr/sbin/nginx')
        await startDaemon(room)
      }
    },
    overridesWith: (text) => ({ nginx: { binary: text, config: text, stubStatusUrl: `http://127.0.0.1/${text}` } }),
    exists: (path) => room.exists(path),
    close: () => room.close(),
  }
}

driverSuite('nginx', openRig)
