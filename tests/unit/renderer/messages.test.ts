import { describe, expect, it } from 'vitest'
import { createAppI18n, messages } from '../../../src-renderer/i18n.ts'

type Tree = { [key: string]: string | Tree }
const leaves = (tree: Tree, path = ''): [string, string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value] as [string, string]] : leaves(value, `${path}${key}.`),
  )
const en = new Map(leaves(messages.en))
const ja = new Map(leaves(messages.ja))
const placeholders = (text: string) => [...new Set(text.match(/\{[a-zA-Z]+\}/g) ?? [])].sort()

/** The text of every file of the window, by path. */
const sources = import.meta.glob<string>('../../../src-renderer/**/*.{vue,ts}', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('messages', () => {
  it('has the same keys in both languages', () => {
    expect([...ja.keys()].sort()).toEqual([...en.keys()].sort())
  })

  it('names the same values in both languages', () => {
    const differing = [...en].filter(([key, text]) => placeholders(text).join() !== placeholders(ja.get(key) ?? '').join())
    // A plural may leave the count out in one of its forms, but the message as a whole may not.
    expect(differing.map(([key]) => key)).toEqual([])
  })

  it('is never left empty, nor in English where Japanese is meant', () => {
    // Names of daemons, accounts and protocols are the same word in every language.
    const words = (text: string) => text.replace(/\{\w+\}|keepalived|haproxy|nginx|\broot\b|\bvrid\b/gi, '')
    const same = [...en].filter(([key, text]) => ja.get(key) === text && /[a-z]{4}/i.test(words(text)))
    expect(same.map(([key]) => key)).toEqual([])
    expect([...ja].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('compiles, with every value that it names', () => {
    for (const locale of ['en', 'ja'] as const) {
      const { t } = createAppI18n(locale).global
      for (const [key, text] of locale === 'en' ? en : ja) {
        const values = Object.fromEntries(placeholders(text).map((name) => [name.slice(1, -1), '7']))
        expect(t(key, values), `${locale} ${key}`).not.toMatch(/\{[a-zA-Z]+\}/)
      }
    }
  })

  it('has every key that a component asks for by name', () => {
    const missing = Object.entries(sources).flatMap(([file, text]) =>
      [...text.matchAll(/\bt\(\s*'([a-zA-Z]+\.[^']+)'/g)]
        .map((match) => match[1] ?? '')
        .filter((key) => !en.has(key))
        .map((key) => `${file}: ${key}`),
    )
    expect(Object.keys(sources).length).toBeGreaterThan(50)
    expect(missing).toEqual([])
  })
})
