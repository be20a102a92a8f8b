import type { Keyword, Keywords, Parser } from './parser.ts'
import type { NotifyScripts, Settings, SyncGroupSettings } from './settings.ts'
import { wordsOfCommand } from './track-keywords.ts'

/** `notify` and its like, of an instance or a group. */
export function notifyKeywords(parser: Parser, notify: () => NotifyScripts): Keywords {
  const script = (event: keyof NotifyScripts): Keyword => ({
    take(line) {
      parser.word(line, 1)
      notify()[event] = wordsOfCommand(line)
    },
  })
  return {
    notify: script('any'),
    notify_master: script('MASTER'),
    notify_backup: script('BACKUP'),
    notify_fault: script('FAULT'),
    notify_stop: script('STOP'),
  }
}

/** keepalived.conf(5), VRRP synchronization group(s). */
export function groupKeyword(parser: Parser, settings: Settings): Keyword {
  let group: SyncGroupSettings = { name: '', members: [], notify: {} }
  return {
    take(line) {
      const name = line.words[1]
      group = { name: name ?? '', members: [], notify: {} }
      if (name === undefined) parser.fault('vrrp_sync_group must have a name - skipping')
      else if (settings.groups.some((other) => other.name === name)) parser.fault(`vrrp sync group ${name} already defined`)
      else settings.groups.push(group)
    },
    block: {
      group: { values: (line) => void group.members.push(...line.words) },
      ...notifyKeywords(parser, () => group.notify),
    },
  }
}
