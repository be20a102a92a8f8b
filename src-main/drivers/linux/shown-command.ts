/** Words as a person would type them in a shell. For reading only: what runs is sent as argv, and quoted in one other place. */
export function shown(...words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}
