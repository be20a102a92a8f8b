const notAscii = 128

/**
 * What HAProxy answered. Most of a reply is figures and separators: it is read by its codes, and a text is only made of what is asked
 * for. Offsets count codes, which are those of ASCII, or anything above for what is not: whatever structures a reply is ASCII.
 */
export interface Reply {
  readonly codes: Uint8Array
  text(from: number, to: number): string
}

export function replyOf(source: string | Reply): Reply {
  if (typeof source !== 'string') return source
  const codes = new Uint8Array(source.length)
  for (let index = 0; index < source.length; index++) codes[index] = Math.min(source.charCodeAt(index), notAscii)
  return { codes, text: (from, to) => source.slice(from, to) }
}

/** Whether `text`, all of it ASCII, stands at `at`. */
export function standsAt({ codes }: Reply, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (codes[at + index] !== code || code >= notAscii) return false
  }
  return true
}

/** Offset of the first `ascii` from `from` on; -1 for none. */
export function findFrom(reply: Reply, from: number, ascii: string): number {
  const first = ascii.charCodeAt(0)
  let at = reply.codes.indexOf(first, from)
  while (at !== -1 && !standsAt(reply, at, ascii)) at = reply.codes.indexOf(first, at + 1)
  return at
}

/**
 * The texts of the last reply to the same question: a text that is still the same is used again, which costs a comparison instead of a
 * string and its place in memory. What is each row's own (a name, an address) is looked for at its row, and what rows have in common
 * (a state, a mode) at the row before.
 */
export class TextMemory {
  readonly #ownColumns: number
  readonly #own: string[] = []
  readonly #common: string[] = []

  /** @param ownColumns of the wanted columns, the first so many are each row's own */
  constructor(ownColumns: number) {
    this.#ownColumns = ownColumns
  }

  recall(row: number, place: number, reply: Reply, from: number, to: number): string {
    const isOwn = place < this.#ownColumns
    const texts = isOwn ? this.#own : this.#common
    const at = isOwn ? row * this.#ownColumns + place : place
    const known = texts[at]
    if (known !== undefined && known.length === to - from && standsAt(reply, from, known)) return known
    return (texts[at] = reply.text(from, to))
  }
}
