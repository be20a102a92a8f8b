/*
 * The only place where words become shell text.
 *
 * Model: OpenSSH hands the command string to the account's login shell. Every word is put in single quotes unless it consists of
 * characters that no shell treats specially, so a word is never more than a word. Holds for POSIX shells (sh, dash, bash, ksh, zsh,
 * busybox); csh and fish treat `!` and `\` inside single quotes differently and are not supported as login shells.
 * A NUL cannot be passed to a program at all and is refused.
 */
import { AppError } from '../../app/app-error.ts'

const plainWord = /^[A-Za-z0-9_@%+:,./-]+$/

/** One word for a POSIX shell. Throws `request.invalid` for a word with a NUL. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) {
    throw new AppError(
      'request.invalid',
      'A command argument contains a NUL character, which no program can receive; remove it.',
    )
  }
  return plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A whole command line. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ')
}
