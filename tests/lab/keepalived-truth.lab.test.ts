import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import type { Clock } from '../../src-main/app/ports/clock.ts'
import type { BoundService } from '../../src-main/app/ports/driver.ts'
import type { VrrpReading } from '../../src-main/domain/fleet/reading.ts'
import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const password = 's3cr"tP\\'
const config = `vrrp_track_file adjust {
    file /run/adjust
    weight 1
    init_file 0
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    version 2
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass ${password}
    }
    virtual_ipaddress {
        198.18.7.100/24
    }
    track_file {
        adjust
    }
}
`

/** What the daemon says, what it leaves behind, and what could be mistaken for either. */
describeLab('keepalived and the kernel', () => {
  let room: NodeRoom
  let session: NodeSession
  /** everything that came back from the node */
  const received: string[] = []
  let passedMs = 0
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passedMs }

  async function bound(): Promise<BoundService> {
    const driver = createKeepalivedDriver({ clock })
    return driver.bind(
      (await driver.detect(session, room.facts, {}, within(10_000))) ?? expect.fail('keepalived was not found'),
    )
  }
  const read = async (service: BoundService): Promise<VrrpReading> => {
    const reading = await service.observe(session, within(10_000))
    return reading.kind === 'keepalived' ? reading : expect.fail(`a reading of ${reading.kind}`)
  }
  const start = () =>
    room.run(`
      rm -f /run/keepalived.pid /run/vrrp.pid
      keepalived -n -l -D -G >/run/keepalived.log 2>&1 </dev/null &
      i=0; until ip addr show dev eth0 | grep -q 198.18.7.100 || [ $i = 160 ]; do sleep 0.05; i=$((i+1)); done
      sleep 2`)
  // Frozen first: a child that sees its parent die before it is killed itself takes the address away.
  const kill = () =>
    room.run(`
      pkill -STOP -x keepalived || true
      pkill -KILL -x keepalived || true
      i=0; while pgrep -r R,S,D,T -x keepalived >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done`)

  beforeAll(async () => {
    room = await openNodeRoom(['/etc/keepalived'], { network: 'private' })
    session = {
      ...room.session,
      async exec(argv, options) {
        const result = await room.session.exec(argv, options)
        received.push(result.stdout.toString('utf8'), result.stderr)
        return result
      },
    }
    await room.run(`
      ip link set lo up
      ip link add eth0 type veth peer name eth1
      ip link set eth0 up; ip link set eth1 up
      ip addr add 198.18.7.1/24 dev eth0
      cat >/etc/keepalived/keepalived.conf <<'END'\n${config}END`)
    await start()
  })
  afterAll(() => room.close())

  it('agree on a healthy node, and the password stays on it', async () => {
    received.length = 0
    const reading = await read(await bound())
    expect(reading).toMatchObject({ running: true, daemonAnswered: true })
    expect(reading.instances).toMatchObject([{ name: 'VI_1', state: 'MASTER', kernelAddresses: ['198.18.7.100'] }])
    expect(received.join('')).toContain('"auth_data":null')
    expect(received.join('') + JSON.stringify(reading)).not.toContain('s3cr')
    expect(await room.run('ls /tmp')).toBe('')
  })

  it('are asked by several at once, and all are answered', async () => {
    const service = await bound()
    const readings = await Promise.all([read(service), read(service), read(await bound())])
    expect(readings.map((reading) => reading.daemonAnswered)).toEqual([true, true, true])
  })

  it('are asked apart: a quiet daemon twice a minute, and at once when it may have something to say', async () => {
    const service = await bound()
    const printed = async () => Number(await room.run("grep -c 'on signal' /run/keepalived.log || true"))
    for (const seconds of [0, 12, 12]) {
      passedMs += seconds * 1000
      await read(service)
    }
    const before = await printed()
    for (let round = 0; round < 30; round += 1) {
      passedMs += 2000
      expect(await read(service)).toMatchObject({ daemonAnswered: true, instances: [{ state: 'MASTER' }] })
    }
    await expect.poll(printed).toBe(before + 2 * 3)

    // a priority that moves nothing: only the file tells
    await room.run('echo -20 >/run/adjust; sleep 0.2')
    expect((await read(service)).instances).toMatchObject([{ effectivePriority: 130, state: 'MASTER' }])
    await room.run('echo 0 >/run/adjust')
    passedMs += 20_000
    await read(service)
    passedMs += 11_000
    expect((await read(service)).daemonAgeMs).toBeGreaterThan(10_000)
    // a link that is gone: only the kernel tells
    await room.run('ip link set eth0 down; sleep 0.2')
    expect((await read(service)).instances).toMatchObject([{ state: 'FAULT', kernelAddresses: [] }])
    await room.run(
      'ip link set eth0 up; i=0; until ip addr show dev eth0 | grep -q 7.100 || [ $i = 160 ]; do sleep 0.05; i=$((i+1)); done',
    )
    expect((await read(service)).instances).toMatchObject([{ state: 'MASTER', kernelAddresses: ['198.18.7.100'] }])
  })

  it('a hanging daemon gets no signal, an old dump is not its answer, and the kernel still speaks', async () => {
    const service = await bound()
    await read(service)
    await room.run('pkill -STOP -x keepalived; echo "[{\\"data\\":{\\"iname\\":\\"OLD\\"}}]" >/tmp/keepalived.json')
    const readings = [await read(service), await read(await bound())]
    await room.run('rm /tmp/keepalived.json; pkill -CONT -x keepalived')
    for (const reading of readings) {
      expect(reading).toMatchObject({ running: true, daemonAnswered: false })
      expect(reading.instances).toMatchObject([{ name: 'VI_1', state: null, kernelAddresses: ['198.18.7.100'] }])
    }
    await expect.poll(async () => (await read(service)).daemonAnswered, { timeout: 10_000 }).toBe(true)
    // Nothing had piled up for the daemon to answer later.
    expect(await room.run('sleep 0.3; ls /tmp')).toBe('')
  })

  it('a killed daemon leaves its address behind, which is told even when its configuration is gone', async () => {
    const service = await bound()
    await read(service)
    await kill()
    await room.run('mv /etc/keepalived/keepalived.conf /tmp/kept')
    const [remembering, fresh] = [await read(service), await read(await bound())]
    await room.run('mv /tmp/kept /etc/keepalived/keepalived.conf')
    expect(remembering).toMatchObject({ running: false, pid: null, daemonAnswered: false })
    expect(remembering.instances).toMatchObject([{ name: 'VI_1', state: null, kernelAddresses: ['198.18.7.100'] }])
    expect(fresh).toMatchObject({ running: false, instances: [] })
    expect((await read(await bound())).instances).toMatchObject([{ name: 'VI_1', kernelAddresses: ['198.18.7.100'] }])
    await start()
  })

  it("never signals another process, and least of all a stranger's", async () => {
    await kill()
    await room.run(`
      cp /bin/sleep /tmp/keepalived
      setpriv --reuid 65534 --clear-groups /tmp/keepalived 300 >/dev/null 2>&1 </dev/null & echo $! >/tmp/stranger
      sleep 300 >/dev/null 2>&1 </dev/null & echo $! >/tmp/other`)
    const service = await bound()
    for (const name of ['stranger', 'other']) {
      await room.run(`cp /tmp/${name} /run/keepalived.pid`)
      expect(await read(service)).toMatchObject({ running: false, daemonAnswered: false })
      await room.run(`kill -0 $(cat /tmp/${name})`)
    }
    await room.run('kill $(cat /tmp/stranger) $(cat /tmp/other); rm /tmp/keepalived /tmp/stranger /tmp/other')
    await start()
  })

  it('finds the daemon without its pid file, and its dump in a private temporary directory', async () => {
    const service = await bound()
    await room.run('rm /run/keepalived.pid')
    expect(await read(service)).toMatchObject({ running: true, daemonAnswered: true })
    await kill()
    await room.run(`
      rm -f /run/*.pid; mkdir -p /run/elsewhere
      TMPDIR=/run/elsewhere unshare --mount sh -c 'mount -t tmpfs tmpfs /run/elsewhere && exec keepalived -D -G'
      sleep 2.5`)
    expect(await read(service)).toMatchObject({ running: true, daemonAnswered: true })
  })
})
