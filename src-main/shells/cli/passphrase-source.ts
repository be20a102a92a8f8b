/*
 * The vault from a command line. Model: a passphrase is typed unseen, or read from a file that only its owner can read; it is never an
 * argument or a variable, which other processes and the shell's history could see. A command keeps the vault open only while it runs.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Client } from './client.ts'
import { usageError } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** Names a file with the passphrase in force. */
export const currentFileName = 'EVENKEEL_PASSPHRASE_FILE'

/** Opens a vault that holds something; where nobody gives a passphrase it stays locked, and nodes that need it say so. */
export async function unlockVault({ client, terminal }: { client: Client; terminal: Terminal }): Promise<void> {
  const { locked, secrets } = await client.call('vault.status', {})
  if (!locked || secrets.length === 0) return
  const passphrase = await askFor(terminal, 'Passphrase of the vault: ')
  if (passphrase !== null) await client.call('vault.unlock', { passphrase })
}

/** Null: there is no such file, and nobody to ask. */
export async function askFor(terminal: Terminal, question: string): Promise<string | null> {
  const file = process.env[currentFileName]
  return file === undefined || file === '' ? terminal.askSecret(question) : passphraseIn(file)
}

/** The first line of a file that is its owner's alone. Windows has no such bits: there the folder's ACL decides. */
export async function passphraseIn(file: string): Promise<string> {
  try {
    const { mode } = await stat(file)
    if (process.platform === 'win32' || (mode & 0o077) === 0) return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? ''
  } catch (thrown) {
    throw usageError(`The passphrase file ${file} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
  throw usageError(`The passphrase file ${file} can be read by others; run: chmod 600 ${file}`)
}
