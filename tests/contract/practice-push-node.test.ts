import { describe } from 'vitest'
import { runHaproxy } from '../../src-main/practice/haproxy/program.ts'
import { runKeepalived } from '../../src-main/practice/keepalived/program.ts'
import { runNginx } from '../../src-main/practice/nginx/program.ts'
import { openPracticeRoom } from './practice-rig.ts'
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
  type PushRoom,
} from './push-node-room.ts'
import { pushNodeSuite } from './push-node-suite.ts'

async function openPushRoom(): Promise<PushRoom> {
  const { machine, session, facts, exists, close } = await openPracticeRoom('haproxy', runHaproxy, {})
  machine.programs.install('/usr/sbin/nginx', runNginx)
  machine.programs.install('/usr/sbin/keepalived', runKeepalived)
  for (const folder of ['/etc/haproxy', '/etc/nginx/sites', '/etc/keepalived'])
    machine.files.makeDirectory(folder, { parents: true })
  async function run(script: string): Promise<string> {
    const { code, stdout, stderr } = await machine.run(['/bin/sh', '-ec', script])
    if (code !== 0) throw new Error(`"${script}" ended with ${code}: ${stderr}`)
    return stdout.toString('utf8')
  }
  const room = { session, facts, exists, close, run }
  await writeIn(room, haproxyFile, haproxyText)
  await writeIn(room, nginxMain, nginxMainText)
  await writeIn(room, nginxFile, nginxText)
  await writeIn(room, keepalivedFile, keepalivedText)
  const { pid } = machine.processes.spawn({ argv: ['socat'], exe: '/usr/bin/socat' })
  machine.network.listen({ address: '127.0.0.1', port: 8300, pid }, ({ socket }) => socket.destroy())
  await run(`
    haproxy -W -S /run/master.sock -f ${haproxyFile} -D -p /run/haproxy.pid
    nginx
    keepalived -f ${keepalivedFile}`)
  await untilIn(room, 'curl -s http://127.0.0.1:8100/ >/dev/null && curl -s http://127.0.0.1:8200/ >/dev/null')
  await untilIn(room, 'ip addr show eth0 | grep -q 198.18.77.1')
  return asPushRoom(room)
}

describe('pushing to a practice machine', () => pushNodeSuite(openPushRoom))
