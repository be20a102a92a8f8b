import type { PushRoom } from '../contract/push-node-room.ts'
import {
  asPushRoom,
  haproxyFile,
  haproxyText,
  keepalivedFile,
  keepalivedText,
  nginxFile,
  nginxMain,
  nginxMainText,
  nginxText,
  untilIn,
  writeIn,
} from '../contract/push-node-room.ts'
import { openNodeRoom } from './node-room.ts'

/** A node without systemd, with the three daemons running. */
export async function openPushRoom(): Promise<PushRoom> {
  const room = await openNodeRoom(['/etc/haproxy', '/etc/nginx', '/etc/keepalived', '/var/lib'], { network: 'private' })
  await room.run(`
    ip link set lo up
    ip link add eth0 type veth peer name v1; ip addr add 198.18.77.2/24 dev eth0; ip link set eth0 up; ip link set v1 up
    mkdir /etc/nginx/sites`)
  await writeIn(room, haproxyFile, haproxyText)
  await writeIn(room, nginxMain, nginxMainText)
  await writeIn(room, nginxFile, nginxText)
  await writeIn(room, keepalivedFile, keepalivedText)
  await room.run(`
    haproxy -W -S /run/master.sock -f ${haproxyFile} -D -p /run/haproxy.pid >/tmp/haproxy.log 2>&1
    nginx 2>/dev/null
    keepalived -f ${keepalivedFile} >/dev/null 2>&1
    socat TCP-LISTEN:8300,fork,reuseaddr,bind=127.0.0.1 EXEC:cat >/dev/null 2>&1 </dev/null &
    sleep 0.3`)
  await untilIn(room, 'curl -s http://127.0.0.1:8100/ >/dev/null && curl -s http://127.0.0.1:8200/ >/dev/null')
  await untilIn(room, 'ip addr show eth0 | grep -q 198.18.77.1')
  return asPushRoom(room)
}
