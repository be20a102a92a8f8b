import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src-main/practice/machine/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { aSite, type Member } from '../unit/practice/keepalived/vrrp-site.ts'
import { describeLab } from './describe-lab.ts'
import { commandLines, configs, included, runningConfig } from './keepalived-configs.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

interface Said {
  code: number | null
  stdout: string
  stderr: string
}

const folder = '/etc/keepalived'

/** The same command lines and configurations to both; what they answer stands side by side. */
describeLab('the practice keepalived beside the real one', () => {
  let room: NodeRoom
  let member: Member

  async function real(argv: readonly string[]): Promise<Said> {
    const { code, stdout, stderr } = await room.session.exec(
      ['sh', '-c', `cd ${folder} && exec keepalived "$@"`, 'sh', ...argv],
      {
        ...within(20_000),
        maxBytes: 1024 * 1024,
      },
    )
    return { code, stdout: stdout.toString('utf8'), stderr }
  }
  async function practice(argv: readonly string[]): Promise<Said> {
    const { code, stdout, stderr } = await member.machine.run(['keepalived', ...argv], { cwd: folder })
    return { code, stdout: stdout.toString('utf8'), stderr }
  }
  async function write(name: string, text: string): Promise<void> {
    member.machine.files.write(`${folder}/${name}`, text)
    await room.run(`printf %s ${Buffer.from(text).toString('base64')} | base64 -d >${folder}/${name}`)
  }

  beforeAll(async () => {
    room = await openNodeRoom([folder], { network: 'private' })
    await room.run(`
      ip link set lo up
      ip netns add peer
      ip link add eth0 type veth peer name eth0 netns peer
      ip link set eth0 up; ip -n peer link set eth0 up
      ip addr add 198.18.7.1/24 dev eth0
      mkdir ${folder}/part`)
    const [only] = await aSite(systemClock, 1)
    member = only ?? expect.fail('there is no machine')
    member.machine.files.makeDirectory(`${folder}/part`)
    await write('part/one.conf', included)
  })
  afterAll(async () => {
    await member.machine.powerOff()
    await room.close()
  })

  it.each(Object.entries(configs))('-t: %s', async (_, text) => {
    await write('c.conf', text)
    const argv = ['-t', '-f', 'c.conf']
    expect(await practice(argv)).toEqual(await real(argv))
  })

  it.each(commandLines.map((argv) => [argv.join(' '), argv] as const))('%s', async (_, argv) => {
    expect(await practice(argv)).toEqual(await real(argv))
  })

  // keepalived 2.2.7 names the option from memory that it has not set, or ends by SIGSEGV
  it.each(['--signum', '--use-file'])('%s without its parameter is refused', async (option) => {
    expect(await practice([option])).toEqual({ code: 1, stdout: '', stderr: `Missing parameter for option ${option}\n` })
    const { code, stderr } = await real([option])
    expect(code === 1 ? stderr : 'Missing parameter').toContain('Missing parameter')
    expect(code).not.toBe(0)
  })

  it('-v, but for the kernel that it runs on', async () => {
    const shape = ({ code, stdout, stderr }: Said) => ({ code, stdout, stderr: stderr.replace(/^Running on .*$/m, '') })
    expect(shape(await practice(['-v']))).toEqual(shape(await real(['-v'])))
  })

  it('its dumps have the same lines and fields', async () => {
    await write('keepalived.conf', runningConfig)
    await room.run('rm -f /run/*.pid; keepalived -G')
    expect(await practice(['-G'])).toMatchObject({ code: 0 })
    await new Promise((resolve) => setTimeout(resolve, 5000))
    await room.run('pid=$(cat /run/keepalived.pid); kill -USR1 $pid; kill -USR2 $pid; kill -36 $pid; sleep 0.5')
    for (const signal of ['USR1', 'USR2', 'RTMIN+2'] as const) member.machine.processes.signal(member.pid(), signal)
    const read = async (name: string) => [
      member.machine.files.read(`/tmp/${name}`).toString('utf8'),
      await room.run(`cat /tmp/${name}`),
    ]
    for (const name of ['keepalived.json', 'keepalived.stats', 'keepalived.data', 'keepalived_parent.data']) {
      const [ours, theirs] = (await read(name)).map((text) => (name.endsWith('json') ? jsonShape(text) : textShape(text)))
      expect(ours, name).toEqual(theirs)
    }
  })
})

/** Without what differs between two machines and moments: addresses, clocks, counts, and IPv6, which the practice machine has not. */
function textShape(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !/Not IPv6 forwarding/.test(line))
    .map((line) =>
      line
        .replace(
          /((?:IPv[46] address|MAC|Router ID|Last transition|Read timeout|Address|Using src_ip|libnftnl version) = ).*/,
          '$1…',
        )
        .replace(/(Received|Sent): \d+/, '$1: …')
        .replace(/fd_in \d+(,?) fd_out( =)? \d+/, 'fd_in …$1 fd_out$2 …'),
    )
}

/** Everything but times and counters, in the order of the fields. */
function jsonShape(text: string): string[] {
  const dump = JSON.parse(text) as { data: Record<string, unknown>; stats: Record<string, unknown> }[]
  return dump.flatMap(({ data, stats }) => [
    ...Object.entries(data).map(([key, value]) => `${key}=${key === 'last_transition' ? typeof value : JSON.stringify(value)}`),
    ...Object.keys(stats),
  ])
}
