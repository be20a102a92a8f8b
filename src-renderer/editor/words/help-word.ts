/** A word of a daemon's language: what it does, in English and Japanese, and the words it may follow; none: it begins a statement. */
export interface HelpWord {
  readonly word: string
  readonly en: string
  readonly ja: string
  readonly after?: RegExp
}
