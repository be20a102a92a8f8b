import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine, PracticeClock, RunResult } from '../../../../src-main/practice/machine/machine.ts'
import { runKeepalived } from '../../../../src-main/practice/keepalived/program.ts'
import { claimLoopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment } from '../../../../src-main/practice/network/segment.ts'
import { installWords } from '../../../../src-main/practice/words/install-words.ts'

export const vip = '127.99.0.100'

/** A machine with keepalived, and what a test asks of it. */
export interface Member {
  machine: Machine
  /** writes /etc/keepalived/keepalived.conf */
  configure(text: string): void
  run(...argv: [string, ...string[]]): Promise<RunResult>
  pid(): number
  childPid(): number
  /** lines of the log, without time and process */
  log(): string[]
  holds(address?: string): boolean
  /** the JSON dump's instances by name */
  dump(): Promise<Record<string, Record<string, unknown>>>
}

/** `count` machines on one wire. */
export async function aSite(clock: PracticeClock, count: number): Promise<Member[]> {
  const segment = createSegment(await claimLoopback({ native: false }), 0)
  return Array.from({ length: count }, (_, index) =>
    memberOf(createMachine({ name: `lb${index + 1}`, clock, segment, address: segment.address(index + 1) })),
  )
}

function memberOf(machine: Machine): Member {
  installWords(machine)
  machine.programs.install('/usr/sbin/keepalived', runKeepalived)
  machine.files.makeDirectory('/etc/keepalived', { parents: true })
  const text = (path: string): string => machine.files.read(path).toString('utf8')
  const member: Member = {
    machine,
    configure: (config) => machine.files.write('/etc/keepalived/keepalived.conf', config),
    run: (...argv) => machine.run(argv),
    pid: () => Number(text('/run/keepalived.pid')),
    childPid: () => Number(text('/run/vrrp.pid')),
    log: () =>
      machine.files.exists('/var/log/syslog')
        ? text('/var/log/syslog')
            .split('\n')
            .flatMap((line) => line.match(/Keepalived\S*: (.*)$/)?.[1] ?? [])
        : [],
    holds: (address = vip) => machine.network.addresses().some((held) => held.address === address),
    async dump() {
      machine.processes.signal(member.pid(), 'RTMIN+2')
      const dumped = JSON.parse(text('/tmp/keepalived.json')) as { data: { iname: string } & Record<string, unknown> }[]
      return Object.fromEntries(dumped.map(({ data }) => [data.iname, data]))
    },
  }
  return member
}

export interface InstanceText {
  name?: string
  vrid?: number
  priority: number
  address?: string
  /** more lines of the instance */
  more?: string
}

export const instanceText = ({
  name = 'VI_1',
  vrid = 51,
  priority,
  address = vip,
  more = '',
}: InstanceText): string => `vrrp_instance ${name} {
    state BACKUP
    interface eth0
    virtual_router_id ${vrid}
    priority ${priority}
    virtual_ipaddress {
        ${address}/24
    }
    ${more}
}
`
