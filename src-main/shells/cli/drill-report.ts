import { readFile, writeFile } from 'node:fs/promises'
import type { DrillId, ReportSignature } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'

export type ReportFormat = 'markdown' | 'html' | 'json' | 'pdf'

const signatureSuffix = '.sig'

/** The report of a drill that is over; in JSON, its signature beside it. */
export async function drillReport(
  command: Command,
  id: string,
  { format, out }: { format?: ReportFormat; out?: string },
): Promise<ExitCode> {
  const { client, terminal } = command
  const chosen = format ?? (command.json ? 'json' : 'markdown')
  if (chosen === 'pdf' && out === undefined) throw usageError('Say with --out where the PDF is to go.')
  const asked = { drill: id as DrillId, format: chosen === 'pdf' ? ('html' as const) : chosen }
  const { text, sha256, name, signature } = await client.call('drills.report', asked)
  if (out === undefined) terminal.raw(Buffer.from(text))
  else {
    await writeFile(out, chosen === 'pdf' ? await pdfOf(command, id as DrillId) : text)
    if (chosen === 'json' && signature !== null) await writeFile(`${out}${signatureSuffix}`, `${JSON.stringify(signature)}\n`)
    command.print({ file: out, name, sha256, signature }, () => [
      `${out}: SHA-256 of the report as data ${sha256}`,
      ...(signature === null
        ? ['not signed: the vault was locked, or there is none']
        : [`signed with the key ${signature.publicKey}`]),
    ])
  }
  return exitCodes.ok
}

async function pdfOf({ client, signal }: Command, drill: DrillId): Promise<Buffer> {
  const { base64 } = await client.call('drills.reportPdf', { drill }, signal)
  return Buffer.from(base64, 'base64')
}

/** Whether a report in JSON is as a console signed it: with `key` that of one console, else whichever the signature names. */
export async function drillVerify({ client, print }: Command, file: string, { key }: { key?: string }): Promise<ExitCode> {
  const text = await readText(file)
  const signature = parsed(await readText(`${file}${signatureSuffix}`), file)
  const { valid } = await client.call('drills.verify', { text, signature })
  const { publicKey } = signature
  const expected = key === undefined || key === publicKey
  const owner = key === undefined ? '; whose that is, only its owner can say (--key)' : ''
  print({ valid, expected, publicKey }, () => [
    !valid
      ? `${file} is not what was signed with the key ${publicKey}: it was changed since, or another one is meant.`
      : expected
        ? `${file} is as it was signed with the key ${publicKey}${owner}.`
        : `${file} was signed with the key ${publicKey}, and not with the one that is expected.`,
  ])
  return valid && expected ? exitCodes.ok : exitCodes.failed
}

const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw usageError(`${path} could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`)
  })

/** What is in it is for the border to judge. */
function parsed(text: string, file: string): ReportSignature {
  try {
    return JSON.parse(text) as ReportSignature
  } catch {
    throw usageError(`${file}${signatureSuffix} is not a signature as "drill report --out" writes it.`)
  }
}
