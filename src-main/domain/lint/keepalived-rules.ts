import {
  addressesOf,
  blockOf,
  placeOf,
  statementOf,
  trackedBy,
  valueOf,
  valuesOf,
  type Instance,
  type KeepalivedFile,
  type Place,
} from '../keepalived/config-view.ts'
import type { Rule } from './finding.ts'

/** Several files are one configuration when one includes the other, and members of a pair when both define the same virtual router. */
export interface KeepalivedConfig {
  readonly files: readonly KeepalivedFile[]
}

const has = (instance: Instance, keyword: string): boolean => statementOf(instance.statements, keyword) !== undefined
/** where a keyword of the instance stands, else the instance itself */
const at = (instance: Instance, keyword: string): Place => {
  const statement = statementOf(instance.statements, keyword)
  return statement === undefined ? instance : placeOf(instance.file, statement)
}
const priorityOf = (instance: Instance): number => Number(valueOf(instance, 'priority') ?? 100)
/** virtual routers meet when they share an id, an interface and an address family */
const meetingKey = (instance: Instance): string =>
  [
    valueOf(instance, 'virtual_router_id'),
    valueOf(instance, 'interface'),
    addressesOf(instance)[0]?.includes(':') === true,
  ].join(' ')
const authOf = (instance: Instance): string => {
  const auth = blockOf(instance.statements, 'authentication')
  return [valuesOf(auth, 'auth_type')[0], valuesOf(auth, 'auth_pass')[0]].join(' ')
}

const everyInstance = ({ files }: KeepalivedConfig): Instance[] => files.flatMap(({ instances }) => instances)

/** Instances of different files that are the same virtual router: the members of a pair. */
function pairs(config: KeepalivedConfig): [Instance, Instance][] {
  const all = everyInstance(config)
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .flatMap((other): [Instance, Instance][] =>
        one.file !== other.file && (one.name === other.name || meetingKey(one) === meetingKey(other)) ? [[one, other]] : [],
      ),
  )
}

type KeepalivedRule = Rule<KeepalivedConfig>

const syntax: KeepalivedRule = {
  id: 'keepalived/syntax',
  severity: 'error',
  reason: 'keepalived reads on and takes what follows for something else; a reload may end it and leave the addresses behind.',
  *find({ files }) {
    for (const { path, problems } of files) {
      for (const { line, column, message } of problems) yield { at: { file: path, line, column: column + 1 }, message }
    }
  },
}

const incomplete: KeepalivedRule = {
  id: 'keepalived/incomplete',
  severity: 'error',
  reason: 'keepalived ignores an instance without them.',
  *find(config) {
    for (const instance of everyInstance(config)) {
      for (const keyword of ['virtual_router_id', 'interface']) {
        if (!has(instance, keyword)) yield { at: instance, message: `${instance.name} has no ${keyword}` }
      }
      const id = valueOf(instance, 'virtual_router_id')
      if (id !== undefined && !(/^\d+$/.test(id) && Number(id) >= 1 && Number(id) <= 255)) {
        yield {
          at: at(instance, 'virtual_router_id'),
          message: `${instance.name}: virtual_router_id ${id} is not between 1 and 255`,
        }
      }
      const priority = priorityOf(instance)
      if (!(priority >= 1 && priority <= 255)) {
        yield { at: at(instance, 'priority'), message: `${instance.name}: priority ${priority} is not between 1 and 255` }
      }
    }
  },
}

const noAddress: KeepalivedRule = {
  id: 'keepalived/no-address',
  severity: 'warning',
  reason: 'The instance elects a master and moves nothing.',
  *find(config) {
    for (const instance of everyInstance(config)) {
      if (addressesOf(instance).length === 0 && !has(instance, 'virtual_ipaddress_excluded')) {
        yield { at: instance, message: `${instance.name} has no virtual_ipaddress` }
      }
    }
  },
}

const vridReuse: KeepalivedRule = {
  id: 'keepalived/vrid-reuse',
  severity: 'error',
  reason: 'Two virtual routers of one id on one segment take each other for a peer: both lose their addresses in turn.',
  *find({ files }) {
    for (const { instances } of files) {
      const seen = new Map<string, Instance>()
      for (const instance of instances) {
        const first = seen.get(meetingKey(instance))
        if (first === undefined) seen.set(meetingKey(instance), instance)
        else {
          const id = valueOf(instance, 'virtual_router_id')
          yield {
            at: at(instance, 'virtual_router_id'),
            message: `${instance.name} has virtual_router_id ${id}, and so has ${first.name} in line ${first.line}`,
          }
        }
      }
    }
  },
}

const authPass: KeepalivedRule = {
  id: 'keepalived/auth-pass',
  severity: 'warning',
  reason:
    'It travels in clear text with every advert; it keeps two segments apart by accident at best, and never an attacker away.',
  *find(config) {
    for (const instance of everyInstance(config)) {
      const statement = statementOf(blockOf(instance.statements, 'authentication'), 'auth_pass')
      const pass = statement?.words[1]?.value
      if (statement === undefined || pass === undefined) continue
      const where = placeOf(instance.file, statement)
      if (pass.length > 8) yield { at: where, message: `${instance.name}: only the first 8 characters of auth_pass count` }
      if (/^(1111|1234|12345|123456|password|passwd|changeme|secret|k@l!ve1)$/i.test(pass)) {
        yield { at: where, message: `${instance.name}: auth_pass is left at an example's value` }
      }
    }
  },
}

const masterNopreempt: KeepalivedRule = {
  id: 'keepalived/nopreempt-master',
  severity: 'error',
  reason: 'keepalived ignores nopreempt for a state of MASTER, so this member takes the address back at every return.',
  *find(config) {
    for (const instance of everyInstance(config)) {
      if (has(instance, 'nopreempt') && valueOf(instance, 'state') === 'MASTER') {
        yield {
          at: at(instance, 'nopreempt'),
          message: `${instance.name}: nopreempt with state MASTER`,
          fix: 'set state BACKUP on every member',
        }
      }
    }
  },
}

const nopreemptWeight: KeepalivedRule = {
  id: 'keepalived/nopreempt-weight',
  severity: 'error',
  reason:
    'A weight lowers the priority, and with nopreempt no member acts on a lower priority: the address never moves (2.2.7).',
  *find(config) {
    for (const instance of everyInstance(config)) {
      if (!has(instance, 'nopreempt')) continue
      for (const tracked of trackedBy(instance, 'track_script')) {
        const defined = config.files.flatMap(({ scripts }) => scripts).find(({ name }) => name === tracked.name)
        const weight = tracked.weight ?? defined?.weight ?? 0
        if (weight !== 0) {
          yield {
            at: tracked,
            message: `${instance.name}: ${tracked.name} has weight ${weight}, which nopreempt makes void`,
            fix: 'use weight 0, so that a failure is a FAULT',
          }
        }
      }
    }
  },
}

const undefinedScript: KeepalivedRule = {
  id: 'keepalived/undefined-script',
  severity: 'error',
  reason: 'keepalived ignores it: the check is never made.',
  *find(config) {
    const defined = new Set(config.files.flatMap(({ scripts }) => scripts.map(({ name }) => name)))
    const includes = config.files.some(({ statements }) =>
      statements.some(({ words }) => /^include[a-z]?$/.test(words[0].value)),
    )
    for (const instance of everyInstance(config)) {
      for (const tracked of trackedBy(instance, 'track_script')) {
        if (!includes && !defined.has(tracked.name))
          yield { at: tracked, message: `${instance.name} tracks ${tracked.name}, and no vrrp_script has that name` }
      }
    }
  },
}

const processOnly: KeepalivedRule = {
  id: 'keepalived/check-process-only',
  severity: 'warning',
  reason: 'A process that hangs or answers 503 is still a process: the address stays where nobody is served.',
  *find({ files }) {
    for (const { scripts } of files) {
      for (const script of scripts) {
        if (/\b(pidof|pgrep|killall\s+-0|kill\s+-0)\b/.test(script.command)) {
          yield {
            at: script,
            message: `${script.name} only looks whether a process exists`,
            fix: 'ask the service itself, e.g. with curl',
          }
        }
      }
    }
  },
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

const higherPrioAdvert: KeepalivedRule = {
  id: 'keepalived/higher-prio-advert',
  severity: 'info',
  reason: 'When a split brain heals with default settings, clients lose the address for up to 32 s (measured with 2.2.7).',
  *find({ files }) {
    for (const { path, statements, instances } of files) {
      const globals = blockOf(statements, 'global_defs')
      const set = [globals, ...instances.map((each) => each.statements)].some((among) => {
        const value = valuesOf(among, 'vrrp_higher_prio_send_advert').concat(valuesOf(among, 'higher_prio_send_advert'))[0]
        return value !== undefined && value !== 'false'
      })
      const [first] = instances
      if (first !== undefined && !set) {
        yield {
          at: { ...first, file: path },
          message: 'a healed split brain is not announced at once',
          fix: 'add "vrrp_higher_prio_send_advert true" to global_defs',
        }
      }
    }
  },
}

export const keepalivedRules: readonly KeepalivedRule[] = [
  syntax,
  incomplete,
  noAddress,
  vridReuse,
  authPass,
  masterNopreempt,
  nopreemptWeight,
  undefinedScript,
  processOnly,
  equalPriorities,
  weightNeverFlips,
  differing,
  higherPrioAdvert,
]
