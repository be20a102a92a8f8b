import { addressesOf, blockOf, placeOf, statementOf, trackedBy, valueOf, type Instance } from '../keepalived/config-view.ts'
import { at, everyInstance, has, meetingKey, priorityOf, type KeepalivedRule } from './keepalived-facts.ts'
import { keepalivedPairRules } from './keepalived-pair-rules.ts'

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

const higherPrioAdvert: KeepalivedRule = {
  id: 'keepalived/higher-prio-advert',
  severity: 'info',
  reason: 'When a split brain heals with default settings, clients lose the address for up to 32 s (measured with 2.2.7).',
  *find({ files }) {
    for (const { path, statements, instances } of files) {
      const globals = blockOf(statements, 'global_defs')
      const set = [globals, ...instances.map((each) => each.statements)].some((among) => {
        const said = statementOf(among, 'vrrp_higher_prio_send_advert') ?? statementOf(among, 'higher_prio_send_advert')
        // the word alone says yes (keepalived.conf(5))
        return said !== undefined && !['false', 'off', 'no'].includes(said.words[1]?.value ?? '')
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

const reloadCheck: KeepalivedRule = {
  id: 'keepalived/reload-check',
  severity: 'info',
  reason:
    'A reload is taken whatever the file says: a misspelt "priority" becomes 100, and for an interface that is missing keepalived ends and leaves its addresses behind (2.2.7).',
  *find({ files }) {
    for (const { statements, instances } of files) {
      const [first] = instances
      if (first === undefined || statementOf(blockOf(statements, 'global_defs'), 'reload_check_config') !== undefined) continue
      yield { at: first, message: 'a bad file is not refused at a reload', fix: 'add "reload_check_config" to global_defs' }
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
  ...keepalivedPairRules,
  higherPrioAdvert,
  reloadCheck,
]
