import { isIPv4, isIPv6 } from 'node:net'
import type { ConfigLine } from './read-lines.ts'
import type { Keyword, Keywords, Parser } from './parser.ts'
import { notifyKeywords } from './group-keyword.ts'
import { garpKeywords, truthOf } from './global-keywords.ts'
import type { InstanceSettings, Settings, VirtualAddress } from './settings.ts'
import { trackReferences } from './track-keywords.ts'

/** What is not yet decided while an instance is being read. */
export interface DraftInstance extends InstanceSettings {
  hasAuthentication: boolean
  hasUnicastKeyword: boolean
  hasVersion: boolean
}

/** keepalived.conf(5), VRRP instance(s). `add` takes each that has a name of its own. */
export function instanceKeyword(
  parser: Parser,
  settings: Settings,
  add: (draft: DraftInstance) => boolean,
  interfaceExists: (name: string) => boolean,
  missingInterface: () => void,
): Keyword {
  let draft = emptyInstance('', settings)
  const family = (address: string): boolean => {
    const first = [...draft.addresses, ...draft.excluded][0]
    return first === undefined || isIPv6(first.address) === isIPv6(address)
  }
  const addresses = (list: () => VirtualAddress[]): Keyword => ({
    values(line) {
      const address = parseAddress(parser, line, draft.interface || 'eth0', interfaceExists, missingInterface)
      if (address === null) return
      if (family(address.address)) list().push(address)
      else parser.fault(`(${draft.name}): address family must match VRRP instance [${address.address}] - ignoring`)
    },
  })
  const flag = (name: string, set: (value: boolean) => void): Keyword => ({
    take(line) {
      const value = truthOf(line.words[1])
      if (value === null) parser.fault(`(${draft.name}) invalid ${name} ${line.words[1] ?? ''} specified`)
      else set(value)
    },
  })
  const block: Keywords = {
    state: {
      take(line) {
        const state = parser.word(line, 1)
        if (state === 'MASTER' || state === 'BACKUP') draft.initialState = state
        else parser.fault(`(${draft.name}) unknown state '${state}', defaulting to BACKUP`)
      },
    },
    interface: {
      take(line) {
        draft.interface = parser.word(line, 1)
        if (interfaceExists(draft.interface)) return
        parser.fault(`WARNING - interface ${draft.interface} for vrrp_instance ${draft.name} doesn't exist`)
        missingInterface()
      },
    },
    virtual_router_id: {
      take(line) {
        const text = parser.word(line, 1)
        const value = parser.whole(text, 1, 255)
        if (value === null) parser.fault(`(${draft.name}): VRID '${text}' not valid - must be between 1 & 255`)
        else draft.vrid = value
      },
    },
    priority: {
      take(line) {
        const value = parser.whole(parser.word(line, 1), 1, 255)
        if (value === null) parser.fault(`(${draft.name}) Priority not valid! must be between 1 & 255. Using default 100`)
        draft.priority = value ?? 100
      },
    },
    version: {
      take(line) {
        const value = parser.whole(parser.word(line, 1), 2, 3)
        if (value === null) return parser.fault(`(${draft.name}): Version must be either 2 or 3`)
        draft.version = value === 3 ? 3 : 2
        draft.hasVersion = true
      },
    },
    advert_int: {
      take(line) {
        const text = parser.word(line, 1)
        const value = parser.decimal(text, 0.01, 255)
        if (value === null) parser.fault(`(${draft.name}) Advert interval (${text}) not valid! Must be > 0 - ignoring`)
        else draft.advertIntMs = value * 1000
      },
    },
    preempt: { take: () => void (draft.nopreempt = false) },
    nopreempt: { take: () => void (draft.nopreempt = true) },
    preempt_delay: {
      take(line) {
        const text = parser.word(line, 1)
        const value = parser.decimal(text, 0, 1000)
        if (value !== null) draft.preemptDelayS = value
        else if (/\d/.test(text)) parser.fault(`(${draft.name}) Preempt_delay not valid! must be between 0-1000`)
      },
    },
    authentication: {
      take: () => void (draft.hasAuthentication = false),
      block: {
        auth_type: {
          take(line) {
            const type = parser.word(line, 1)
            if (type === 'PASS') draft.hasAuthentication = true
            else parser.fault(`(${draft.name}) unknown authentication type '${type}'`)
          },
        },
        auth_pass: {
          take(line) {
            const password = parser.word(line, 1)
            if (Buffer.byteLength(password) > 8) parser.fault('Truncating auth_pass to 8 characters')
            draft.password = Buffer.from(password).subarray(0, 8).toString('latin1')
          },
        },
      },
    },
    virtual_ipaddress: addresses(() => draft.addresses),
    virtual_ipaddress_excluded: addresses(() => draft.excluded),
    unicast_src_ip: {
      take(line) {
        const address = parser.word(line, 1)
        draft.hasUnicastKeyword = true
        if (isIPv4(address)) draft.unicastSource = address
        else parser.fault(`Configuration error: VRRP instance[${draft.name}] malformed src address[${address}]. Skipping...`)
      },
    },
    unicast_peer: {
      take: () => void (draft.hasUnicastKeyword = true),
      values(line) {
        const [address = ''] = line.words
        if (isIPv4(address)) draft.unicastPeers.push(address)
        else
          parser.fault(
            `Configuration error: VRRP instance[${draft.name}] malformed unicast peer address[${address}]. Skipping...`,
          )
      },
    },
    lower_prio_no_advert: flag('lower_prio_no_advert', (value) => (draft.lowerPriorityNoAdvert = value)),
    higher_prio_send_advert: flag('higher_prio_send_advert', (value) => (draft.higherPrioritySendAdvert = value)),
    skip_check_adv_addr: flag('skip_check_adv_addr', (value) => (draft.skipCheckAdvertAddresses = value)),
    ...garpKeywords(
      parser,
      () => draft.garp,
      (name) => name,
      (keyword) => `(${draft.name}): ${keyword}`,
    ),
    ...trackReferences(
      parser,
      settings,
      interfaceExists,
      () => draft.name,
      (reference) => {
        if (reference.kind === 'interface' && !interfaceExists(reference.name)) missingInterface()
        if (draft.tracks.some(({ kind, name }) => kind === reference.kind && name === reference.name)) return false
        draft.tracks.push(reference)
        return true
      },
    ),
    ...notifyKeywords(parser, () => draft.notify),
  }
  return {
    block,
    take(line) {
      const name = line.words[1]
      if (name === undefined) parser.fault('vrrp_instance must have a name')
      draft = emptyInstance(name ?? '', settings)
      if (name !== undefined && !add(draft)) parser.fault(`vrrp instance ${name} already defined`)
    },
  }
}

function emptyInstance(name: string, { global }: Settings): DraftInstance {
  return {
    name,
    interface: '',
    vrid: 0,
    priority: 100,
    version: global.version,
    ipv6: false,
    advertIntMs: 1000,
    initialState: 'BACKUP',
    nopreempt: false,
    preemptDelayS: 0,
    password: null,
    addresses: [],
    excluded: [],
    unicastSource: null,
    unicastPeers: [],
    garp: { ...global.garp },
    lowerPriorityNoAdvert: global.lowerPriorityNoAdvert,
    higherPrioritySendAdvert: global.higherPrioritySendAdvert,
    skipCheckAdvertAddresses: global.skipCheckAdvertAddresses,
    tracks: [],
    notify: {},
    hasAuthentication: false,
    hasUnicastKeyword: false,
    hasVersion: false,
  }
}

/** `ADDRESS[/LENGTH] [dev NAME] [label TEXT]`; null when the address is left out. */
function parseAddress(
  parser: Parser,
  line: ConfigLine,
  device: string,
  interfaceExists: (name: string) => boolean,
  missingInterface: () => void,
): VirtualAddress | null {
  const [written = '', ...options] = line.words
  const [address = '', length] = written.split('/')
  const bits = isIPv6(address) ? 128 : 32
  if (!isIPv4(address) && !isIPv6(address)) {
    parser.fault(`VRRP parsed invalid IP ${written}. skipping IP...`)
    return null
  }
  const parsed: VirtualAddress = { address, prefixLength: null, device, label: null }
  if (length !== undefined) {
    parsed.prefixLength = parser.whole(length, 0, bits)
    if (parsed.prefixLength === null)
      parser.fault(`Invalid address prefix len ${length} for address ${written} - using ${bits}`)
  }
  for (let at = 0; at < options.length; at += 1) {
    const [option = '', value] = options.slice(at)
    if (option === 'dev' && value === undefined) parser.fault(`No dev parameter specified for ${written}`)
    else if (option === 'dev' && value !== undefined) {
      parsed.device = value
      if (!interfaceExists(value)) {
        parser.fault(`WARNING - interface ${value} for ip address ${written} doesn't exist`)
        missingInterface()
      }
    } else if (option === 'label' && value !== undefined) {
      if (value.length > 15) {
        parser.fault(`Address label ${value} is longer than maximum length 15 - removing address`)
        return null
      }
      parsed.label = value
    } else if (option !== 'scope' || value !== 'global') {
      parser.fault(`Unknown configuration entry '${option}' for ip address - ignoring`)
      continue
    }
    at += 1
  }
  return parsed
}
