import type { ConfigLine } from './read-lines.ts'
import type { Keywords, Parser } from './parser.ts'
import type { GarpSettings, GlobalSettings } from './settings.ts'

/** keepalived.conf(5), GLOBAL CONFIGURATION; read by every process, told by the parent alone. */
export function globalKeywords(parser: Parser, global: GlobalSettings, userExists: (name: string) => boolean): Keywords {
  const flag = (name: string, set: (value: boolean) => void) => ({
    take(line: ConfigLine) {
      const value = truthOf(line.words[1])
      if (value === null) parser.fault(`Invalid value for ${name} specified`)
      else set(value)
    },
  })
  return {
    router_id: {
      take(line) {
        const name = line.words[1]
        if (name === undefined) parser.fault('routerid name missing - ignoring')
        else global.routerId = name
      },
    },
    vrrp_version: {
      take(line) {
        const version = parser.whole(parser.word(line, 1), 2, 3)
        if (version === null) parser.fault('VRRP Error: Version must be either 2 or 3')
        else global.version = version === 3 ? 3 : 2
      },
    },
    script_user: {
      take(line) {
        const user = parser.word(line, 1)
        if (userExists(user)) global.scriptUser = user
        else parser.fault('Error setting global script uid/gid')
      },
    },
    enable_script_security: { take: () => void (global.scriptSecurity = true) },
    reload_check_config: { take: () => void (global.checksBeforeReload = true) },
    vrrp_skip_check_adv_addr: flag('vrrp_skip_check_adv_addr', (value) => (global.skipCheckAdvertAddresses = value)),
    vrrp_lower_prio_no_advert: flag('vrrp_lower_prio_no_advert', (value) => (global.lowerPriorityNoAdvert = value)),
    vrrp_higher_prio_send_advert: flag('vrrp_higher_prio_send_advert', (value) => (global.higherPrioritySendAdvert = value)),
    ...garpKeywords(
      parser,
      () => global.garp,
      (name) => `vrrp_${name}`,
      (name) => name,
    ),
  }
}

/** `garp_master_delay` and its like, which stand in global_defs with `vrrp_` before them. `spell` makes the message's subject. */
export function garpKeywords(
  parser: Parser,
  garp: () => GarpSettings,
  keywordOf: (name: string) => string,
  subjectOf: (keyword: string) => string,
): Keywords {
  const number = (name: string, field: keyof GarpSettings, least: 0 | 1, invalidFirst = false) => {
    const keyword = keywordOf(name)
    return [
      keyword,
      {
        take(line: ConfigLine) {
          const subject = subjectOf(keyword)
          const text = parser.word(line, 1)
          const value = parser.whole(text, 0, 4_294_967_295)
          if (value === null) {
            parser.fault(invalidFirst ? invalidFirstText(subject, keyword, text) : `${subject} '${text}' invalid - ignoring`)
          } else if (value < least) {
            parser.fault(`${subject} must be greater than 0, setting to 1`)
            garp()[field] = 1
          } else garp()[field] = value
        },
      },
    ] as const
  }
  return Object.fromEntries([
    number('garp_master_delay', 'delayS', 0),
    number('garp_master_repeat', 'repeat', 1),
    number('garp_master_refresh', 'refreshS', 0, true),
    number('garp_master_refresh_repeat', 'refreshRepeat', 1),
    number('garp_lower_prio_delay', 'lowerPriorityDelayS', 0),
    number('garp_lower_prio_repeat', 'lowerPriorityRepeat', 0),
  ])
}

/** `(VI_1): garp_master_refresh` → `(VI_1): Invalid garp_master_refresh 'x' - ignoring`. */
const invalidFirstText = (subject: string, keyword: string, text: string): string =>
  `${subject.slice(0, subject.length - keyword.length)}Invalid ${keyword} '${text}' - ignoring`

/** A switch without a word is on; null: a word that means nothing. */
export function truthOf(word: string | undefined): boolean | null {
  if (word === undefined || /^(true|on|yes)$/i.test(word)) return true
  return /^(false|off|no)$/i.test(word) ? false : null
}
