import type { VaultStatus } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { askFor, currentFileName, passphraseIn } from './passphrase-source.ts'
import type { Command } from './run-command.ts'

const MIN_LENGTH = 8

const providers: Record<VaultStatus['provider'], string> = {
  system: "Secrets are kept by the system's own key store.",
  passphrase: 'Secrets are kept under a passphrase.',
  'key-file': 'Secrets are kept under a key file in the data folder.',
  none: 'Secrets cannot be kept here.',
}

export async function vaultStatus(command: Command): Promise<ExitCode> {
  const status = await command.client.call('vault.status', {})
  command.print(status, () => [
    providers[status.provider],
    ...(status.unavailable === null ? [] : [status.unavailable]),
    ...status.secrets.map(
      ({ owner, kind, storedAt }) => `  ${kind} of ${owner}, since ${new Date(storedAt).toISOString().slice(0, 10)}`,
    ),
  ])
  return exitCodes.ok
}

/** Keeps the secrets under a passphrase, or under another one. */
export async function setPassphrase(command: Command, newFile: string | undefined): Promise<ExitCode> {
  const currentPassphrase = await passphraseInForce(command)
  const passphrase = newFile === undefined ? await newPassphrase(command) : await passphraseIn(newFile)
  if (passphrase.length < MIN_LENGTH)
    throw usageError(`A passphrase has at least ${MIN_LENGTH} characters. Nothing was changed.`)
  return changed(
    command,
    await command.client.call('vault.changeKey', { to: { provider: 'passphrase', passphrase }, currentPassphrase }),
  )
}

export async function useKeyFile(command: Command): Promise<ExitCode> {
  const currentPassphrase = await passphraseInForce(command)
  return changed(command, await command.client.call('vault.changeKey', { to: { provider: 'key-file' }, currentPassphrase }))
}

function changed(command: Command, status: VaultStatus): ExitCode {
  const { length } = status.secrets
  command.print(status, () => [`${providers[status.provider]} ${length} ${length === 1 ? 'was' : 'were'} sealed anew.`])
  return exitCodes.ok
}

async function passphraseInForce(command: Command): Promise<string | null> {
  const { provider } = await command.client.call('vault.status', {})
  if (provider !== 'passphrase') return null
  const given = await askFor(command.terminal, 'Current passphrase: ')
  if (given === null) throw usageError(`There is nobody to ask; name a file with the current passphrase in ${currentFileName}.`)
  return given
}

async function newPassphrase({ terminal }: Command): Promise<string> {
  const first = await terminal.askSecret('New passphrase: ')
  if (first === null) throw usageError('There is nobody to ask; give --new-passphrase-file.')
  if ((await terminal.askSecret('Once more: ')) !== first)
    throw usageError('These are two different passphrases. Nothing was changed.')
  return first
}
