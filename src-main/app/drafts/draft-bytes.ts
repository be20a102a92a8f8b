/*
 * From a draft to the bytes that go to the node. A draft is written over a text whose passwords are masked. A line that the draft does not
 * change comes from the node's own bytes, with whatever it holds; in a line that it does change, or moves, a mask stands for the password
 * it stood for in the draft's base. A mask that stood for none there, or for two different ones, is refused: stars never reach a node.
 */
import { isUtf8 } from 'node:buffer'
import { diffArrays } from 'diff'
import type { ConfigDraft } from '#contract'
import { isMask, replaceSecrets, secretsIn } from '../../domain/config-text/mask-secrets.ts'
import { AppError } from '../app-error.ts'

type Draft = Pick<ConfigDraft, 'nodeId' | 'path' | 'kind' | 'baseText' | 'text'>

/** Beyond this many changed lines, or this long, every line counts as changed. */
const limits = { maxEditLength: 20_000, timeout: 2_000 }

/** @param base the node's bytes that the draft began with. Throws `config.changed-on-node` when they are not, `request.invalid`. */
export function draftBytes(draft: Draft, base: Buffer): Buffer {
  const encoding = isUtf8(base) ? 'utf-8' : 'latin1'
  const real = base.toString(encoding)
  const passwords = passwordsBehind(draft, real)
  const unmasked = (text: string): string =>
    replaceSecrets(draft.kind, text, (value) => (isMask(value) ? passwordOf(draft, passwords, value) : value))
  const [realLines, baseLines, lines] = [linesOf(real), linesOf(draft.baseText), linesOf(draft.text)]
  const parts = diffArrays(baseLines, lines, limits)
  if (parts === undefined) return encoded(draft, unmasked(draft.text), encoding)
  let at = 0
  const pieces = parts.map(({ added, removed, count, value }) => {
    if (added) return unmasked(value.join(''))
    const own = realLines.slice(at, at + count)
    at += count
    return removed ? '' : own.join('')
  })
  return encoded(draft, pieces.join(''), encoding)
}

/** Passwords by the masks that stand for them in the draft's base: a mask never spans lines, so both have the same ones in order. */
function passwordsBehind({ nodeId, path, kind, baseText }: Draft, real: string): Map<string, Set<string>> {
  const masks = secretsIn(kind, baseText).map(({ from, to }) => baseText.slice(from, to))
  const passwords = new Map<string, Set<string>>()
  let index = 0
  const masked = replaceSecrets(kind, real, (password) => {
    const stands = masks[index++] ?? ''
    passwords.set(stands, (passwords.get(stands) ?? new Set()).add(password))
    return stands
  })
  if (masked === baseText) return passwords
  throw new AppError('config.changed-on-node', `${path} on ${nodeId} is not the file any more that this draft was begun with.`)
}

function passwordOf({ nodeId, path }: Draft, passwords: ReadonlyMap<string, ReadonlySet<string>>, mask: string): string {
  const [password, other] = passwords.get(mask) ?? []
  if (password !== undefined && other === undefined) return password
  const why = password === undefined ? 'stands for no password of that file' : 'stands for two different passwords there'
  throw new AppError('request.invalid', `${mask} in the draft of ${path} on ${nodeId} ${why}: write the password itself.`)
}

/** With their line ends. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/)

function encoded({ nodeId, path }: Draft, text: string, encoding: 'utf-8' | 'latin1'): Buffer {
  if (encoding === 'utf-8' || !/[^\0-\xff]/.test(text)) return Buffer.from(text, encoding)
  throw new AppError('request.invalid', `${path} on ${nodeId} is not UTF-8, and the draft has characters that it cannot hold.`)
}
