import { addressesOf, blockOf, trackedBy, valueOf, valuesOf, type Instance } from '../keepalived/config-view.ts'
import { at, has, isPairOf, pairs, priorityOf, type KeepalivedRule } from './keepalived-facts.ts'

const authOf = (instance: Instance): string => {
  const auth = blockOf(instance.statements, 'authentication')
  return [valuesOf(auth, 'auth_type')[0], valuesOf(auth, 'auth_pass')[0]].join(' ')
}

const equalPriorities: KeepalivedRule = {
  id: 'keepalived/equal-priority',
  severity: 'warning',
  reason: "The higher address wins, and which one is master is nobody's decision.",
  *find(config) {
    for (const [one, other] of pairs(config)) {
      if (priorityOf(one) === priorityOf(other)) {
        yield {
          at: at(other, 'priority'),
          message: `${other.name} has priority ${priorityOf(other)} here and in ${one.file}:${at(one, 'priority').line}`,
        }
      }
    }
  },
}

const weightNeverFlips: KeepalivedRule = {
  id: 'keepalived/weight-never-flips',
  severity: 'error',
  reason: 'The check may fail for ever and the address stays: the lowered priority is still the higher one.',
  *find(config) {
    for (const [one, other] of pairs(config)) {
      const [high, low] = priorityOf(one) >= priorityOf(other) ? [one, other] : [other, one]
      const gap = priorityOf(high) - priorityOf(low)
      for (const tracked of trackedBy(high, 'track_script')) {
        const script = config.files.find(({ path }) => path === high.file)?.scripts.find(({ name }) => name === tracked.name)
        const weight = tracked.weight ?? script?.weight ?? 0
        if (weight !== 0 && Math.abs(weight) <= gap) {
          yield {
            at: tracked,
            message: `${high.name}: weight ${weight} of ${tracked.name} does not make up the ${gap} between ${priorityOf(high)} and ${priorityOf(low)}`,
            fix: `use a weight beyond ${gap}`,
          }
        }
      }
    }
  },
}

const differing: KeepalivedRule = {
  id: 'keepalived/members-differ',
  severity: 'error',
  reason: 'A member discards the adverts of one that differs, and both become master.',
  *find(config) {
    const facts: readonly [string, string, (instance: Instance) => string][] = [
      ['virtual_router_id', 'virtual_router_id', (each) => valueOf(each, 'virtual_router_id') ?? ''],
      ['advert_int', 'advert_int', (each) => valueOf(each, 'advert_int') ?? '1'],
      ['authentication', 'authentication', authOf],
      ['virtual_ipaddress', 'virtual addresses', (each) => [...addressesOf(each)].sort().join(' ')],
      ['version', 'version', (each) => valueOf(each, 'version') ?? ''],
    ]
    for (const [one, other] of pairs(config)) {
      for (const [keyword, words, fact] of facts) {
        if (fact(one) !== fact(other)) {
          yield {
            at: at(other, keyword),
            message: `${other.name}: its ${words} differs from ${one.file}:${at(one, keyword).line}`,
          }
        }
      }
      if (has(one, 'unicast_peer') !== has(other, 'unicast_peer')) {
        const without = has(one, 'unicast_peer') ? other : one
        yield { at: without, message: `${without.name} has no unicast_peer, and the other member has` }
      }
    }
  },
}

const unicastPeer: KeepalivedRule = {
  id: 'keepalived/unicast-peer',
  severity: 'error',
  reason: 'The other member hears no adverts, takes this one for dead, and both become master.',
  *find(config) {
    const both = pairs(config).flatMap(([one, other]) => [[one, other] as const, [other, one] as const])
    for (const [one, other] of both) {
      const peers = blockOf(one.statements, 'unicast_peer').map(({ words }) => words[0].value)
      const source = valueOf(other, 'unicast_src_ip')
      if (peers.length === 0 || source === undefined || peers.includes(source)) continue
      yield {
        at: at(one, 'unicast_peer'),
        message: `${one.name} sends its adverts to ${peers.join(', ')}, and ${other.file} has ${source}`,
        fix: `add ${source} to unicast_peer`,
      }
    }
  },
}

const singleMember: KeepalivedRule = {
  id: 'keepalived/single-member',
  severity: 'warning',
  reason: 'Its addresses have nowhere to go when this node stops.',
  *find(config) {
    const paired = new Set(pairs(config).flat())
    for (const { instances, path } of config.files) {
      // of a file that has no partner here nothing is known
      const partner = [...paired].find((each) => each.file !== path && instances.some((own) => isPairOf(own, each)))
      if (partner === undefined) continue
      for (const instance of instances) {
        if (!paired.has(instance)) yield { at: instance, message: `${instance.name} is not in ${partner.file}` }
      }
    }
  },
}

/** What only the files of both members together tell. */
export const keepalivedPairRules: readonly KeepalivedRule[] = [
  equalPriorities,
  weightNeverFlips,
  differing,
  unicastPeer,
  singleMember,
]
