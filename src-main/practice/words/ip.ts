import type { MachineAddress, Program, ProgramCall } from '../machine/machine.ts'
import { word } from './word.ts'

/** `ip [-4] [-j] addr [show [dev X]]`, `ip addr add|del A/L dev eth0`, `ip link [show]`, `ip link set eth0 up|down` (iproute2 6.1) */
export const ip: Program = word((call, words) => {
  let json = false
  let oneLine = false
  while (words[0]?.startsWith('-') === true) {
    const option = words.shift() ?? ''
    if (/^-j(son)?$/.test(option)) json = true
    else if (/^-o(neline)?$/.test(option)) oneLine = true
    else if (option !== '-4' && option !== '-br') return refuse(call, `Option "${option}" is unknown, try "ip -help".`, 255)
    else if (option !== '-4') return refuse(call, `Option "${option}" is not known to a practice machine.`, 255)
  }
  const [object = '', verb = 'show', ...rest] = words
  const isAddress = object !== '' && 'address'.startsWith(object)
  if (!isAddress && object !== 'link') return refuse(call, `Object "${object}" is unknown, try "ip help".`)
  if (verb === 'show' || verb === 'list' || verb === 'ls')
    return show(call, json ? 'json' : oneLine ? 'lines' : 'text', isAddress, rest)
  if (!isAddress)
    return verb === 'set' ? setLink(call, rest) : refuse(call, `Command "${verb}" is unknown, try "ip link help".`, 255)
  if (verb !== 'add' && verb !== 'del') return refuse(call, `Command "${verb}" is unknown, try "ip address help".`, 255)
  return changeAddress(call, verb, rest)
})

function refuse(call: ProgramCall, message: string, code = 1): number {
  call.stderr(`${message}\n`)
  return code
}

type Layout = 'json' | 'lines' | 'text'

function show(call: ProgramCall, layout: Layout, withAddresses: boolean, rest: readonly string[]): number {
  const device = rest[0] === 'dev' ? rest[1] : rest[0]
  const { network } = call.machine
  if (device !== undefined && device !== 'lo' && device !== network.interfaceName)
    return refuse(call, `Device "${device}" does not exist.`)
  const up = network.linkUp
  const links = [
    {
      ...{
        ifindex: 1,
        ifname: 'lo',
        flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
        mtu: 65_536,
        qdisc: 'noqueue',
        operstate: 'UNKNOWN',
      },
      ...{
        group: 'default',
        txqlen: 1000,
        link_type: 'loopback',
        address: '00:00:00:00:00:00',
        broadcast: '00:00:00:00:00:00',
      },
      addr_info: [{ address: '127.0.0.1', prefixLength: 8 }].map((one) => addressInfo(one, 'lo', 'host')),
    },
    {
      ...{
        ifindex: 2,
        ifname: network.interfaceName,
        flags: up ? ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'] : ['BROADCAST', 'MULTICAST'],
      },
      ...{
        mtu: 1500,
        qdisc: up ? 'mq' : 'noop',
        operstate: up ? 'UP' : 'DOWN',
        group: 'default',
        txqlen: 1000,
        link_type: 'ether',
      },
      ...{ address: hardwareAddress(network.addresses()[0]), broadcast: 'ff:ff:ff:ff:ff:ff' },
      addr_info: network.addresses().map((one) => addressInfo(one, network.interfaceName, 'global')),
    },
  ].filter(({ ifname }) => device === undefined || ifname === device)
  if (layout === 'json') {
    call.stdout(`${JSON.stringify(withAddresses ? links : links.map(({ addr_info: _none, ...link }) => link))}\n`)
    return 0
  }
  // iproute2 puts a backslash where a line would end
  const lineEnd = layout === 'lines' ? '\\' : '\n'
  for (const link of links) {
    const { ifindex, ifname, flags, mtu, qdisc, operstate, link_type: type, address, broadcast } = link
    if (layout === 'text' || !withAddresses) {
      const about = `<${flags.join(',')}> mtu ${mtu} qdisc ${qdisc} state ${operstate} group default qlen 1000`
      call.stdout(`${ifindex}: ${ifname}: ${about}${lineEnd}    link/${type} ${address} brd ${broadcast}\n`)
    }
    for (const info of withAddresses ? link.addr_info : []) {
      const name = layout === 'lines' ? `${ifindex}: ${ifname}` : ''
      call.stdout(
        `${name}    inet ${info.local}/${info.prefixlen} scope ${info.scope} ${info.label}${lineEnd}       valid_lft forever preferred_lft forever\n`,
      )
    }
  }
  return 0
}

const addressInfo = ({ address, prefixLength }: MachineAddress, label: string, scope: string) => ({
  ...{ family: 'inet', local: address, prefixlen: prefixLength, scope, label },
  ...{ valid_life_time: 4_294_967_295, preferred_life_time: 4_294_967_295 },
})

/** locally administered, made of the machine's own address */
const hardwareAddress = (own: MachineAddress | undefined): string =>
  ['02', '00', ...(own?.address ?? '0.0.0.0').split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')

function changeAddress(call: ProgramCall, verb: 'add' | 'del', rest: readonly string[]): number {
  const { network } = call.machine
  const [, address, length = '32'] = /^(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?$/.exec(rest[0] ?? '') ?? []
  if (address === undefined) return refuse(call, `Error: any valid prefix is expected rather than "${rest[0] ?? ''}".`)
  if (rest[1] !== 'dev' || rest[2] === undefined)
    return refuse(call, 'Not enough information: "dev" argument is required.', 255)
  if (rest[2] !== network.interfaceName) return refuse(call, `Cannot find device "${rest[2]}"`)
  if (call.uid !== 0) return refuse(call, 'RTNETLINK answers: Operation not permitted', 2)
  const held = network.addresses().some((one) => one.address === address)
  if (verb === 'add') {
    if (held) return refuse(call, 'RTNETLINK answers: File exists', 2)
    network.addAddress({ address, prefixLength: Number(length) })
  } else {
    if (!held) return refuse(call, 'RTNETLINK answers: Cannot assign requested address', 2)
    network.removeAddress(address)
  }
  return 0
}

function setLink(call: ProgramCall, given: readonly string[]): number {
  const [device, state, ...more] = given[0] === 'dev' ? given.slice(1) : given
  if (device !== call.machine.network.interfaceName) return refuse(call, `Cannot find device "${device ?? ''}"`)
  if ((state !== 'up' && state !== 'down') || more.length > 0)
    return refuse(call, `Error: either "dev" is duplicate, or "${state ?? ''}" is a garbage.`, 255)
  if (call.uid !== 0) return refuse(call, 'RTNETLINK answers: Operation not permitted', 2)
  call.machine.network.setLink(state === 'up')
  return 0
}
