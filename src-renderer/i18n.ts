import { createI18n } from 'vue-i18n'
import { messages as charts } from './charts/messages.ts'
import { messages as drains } from './features/drains/messages.ts'
import { messages as drills } from './features/drills/messages.ts'
import { messages as editor } from './editor/messages.ts'
import { messages as config } from './features/config/messages.ts'
import { messages as firstRun } from './features/first-run/messages.ts'
import { messages as history } from './features/history/messages.ts'
import { messages as nodes } from './features/nodes/messages.ts'
import { messages as operations } from './features/operations/messages.ts'
import { messages as overview } from './features/overview/messages.ts'
import { messages as pools } from './features/pools/messages.ts'
import { messages as practice } from './features/practice/messages.ts'
import { messages as push } from './features/push/messages.ts'
import { messages as settings } from './features/settings/messages.ts'
import { messages as vips } from './features/vips/messages.ts'
import { messages as shell } from './shell/messages.ts'
import { messages as words } from './words/messages.ts'

const en = {
  charts: charts.en,
  config: config.en,
  editor: editor.en,
  drains: drains.en,
  drills: drills.en,
  firstRun: firstRun.en,
  history: history.en,
  nodes: nodes.en,
  operations: operations.en,
  overview: overview.en,
  pools: pools.en,
  practice: practice.en,
  push: push.en,
  settings: settings.en,
  shell: shell.en,
  vips: vips.en,
  words: words.en,
}

/** The same keys, by type; a unit test compares them as well, with their placeholders. */
const ja: typeof en = {
  charts: charts.ja,
  config: config.ja,
  editor: editor.ja,
  drains: drains.ja,
  drills: drills.ja,
  firstRun: firstRun.ja,
  history: history.ja,
  nodes: nodes.ja,
  operations: operations.ja,
  overview: overview.ja,
  pools: pools.ja,
  practice: practice.ja,
  push: push.ja,
  settings: settings.ja,
  shell: shell.ja,
  vips: vips.ja,
  words: words.ja,
}

type MessageSchema = typeof en
export const messages = { en, ja }

declare module 'vue-i18n' {
  // Typing by declaration merging is vue-i18n's own way; the interface has nothing to add to the schema.
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  export interface DefineLocaleMessage extends MessageSchema {}
}

export const createAppI18n = (locale: 'en' | 'ja') =>
  createI18n({ legacy: false, locale, fallbackLocale: 'en', messages, missingWarn: false, fallbackWarn: false })
