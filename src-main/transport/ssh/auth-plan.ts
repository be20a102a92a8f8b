/*
 * Which credentials are offered to a server, in which order.
 *
 * Model: OpenSSH's order, agent keys named by an IdentityFile first, then the other agent keys (unless IdentitiesOnly), then key files,
 * then the password. sshd counts every refused key (MaxAuthTries, 6 by default), so the order decides whether a login works at all.
 * The password goes to the node alone, never to a jump host. Secrets are fetched from the vault only when a method needs them, and a
 * key that needs a passphrase is decrypted here: handed to ssh2 still encrypted it would throw out of connect().
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import ssh2, {
  type AnyAuthMethod,
  BaseAgent,
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2'
import { AppError } from '../../app/app-error.ts'
import { abortable } from './deadline.ts'
import type { Hop } from './resolve-target.ts'

// CommonJS: Node finds only some of its exports by name
const { createAgent, utils } = ssh2

/** What the vault holds for the node; null: nothing stored. Both may throw `vault.locked`. */
export interface NodeSecrets {
  password(): Promise<string | null>
  passphrase(): Promise<string | null>
}

export interface AuthAttempt {
  /** for the message when all fail: `key /home/ops/.ssh/id_ed25519` */
  label: string
  method: AnyAuthMethod
}

export interface AuthPlan {
  attempts: AuthAttempt[]
  /** why something was not tried, each a clause */
  notes: string[]
}

/** ssh_config(5), IdentityFile, OpenSSH 9.2; the hardware-backed `_sk` kinds work through the agent only. */
const defaultIdentityFiles = ['id_rsa', 'id_ecdsa', 'id_ed25519']
const maxKeyFileBytes = 256 * 1024

export async function planAuth(hop: Hop, secrets: NodeSecrets, home: string, signal: AbortSignal): Promise<AuthPlan> {
  const plan: AuthPlan = { attempts: [], notes: [] }
  const wants = (kind: 'agent' | 'key' | 'password'): boolean => hop.auth === null || hop.auth === kind
  const files = wants('key') || wants('agent') ? await readKeyFiles(hop, home) : []

  const offered: Buffer[] = []
  if (wants('agent')) offered.push(...(await addAgentKeys(plan, hop, files, signal)))
  if (wants('key')) await addKeyFiles(plan, hop, files, secrets, offered)
  if (hop.isNode && wants('password')) await addPassword(plan, hop, secrets)
  return plan
}

interface KeyFile {
  file: string
  configured: boolean
  bytes: Buffer
  publicKey: Buffer | null
}

async function readKeyFiles(hop: Hop, home: string): Promise<KeyFile[]> {
  const configured = hop.identityFiles !== null
  const names = hop.identityFiles ?? defaultIdentityFiles.map((name) => path.join(home, '.ssh', name))
  const found = await Promise.all(
    names.map(async (file) => {
      const [bytes, pub] = await Promise.all([readSmallFile(file), readSmallFile(`${file}.pub`)])
      const publicKey = parsed(pub ?? bytes ?? '')?.getPublicSSH() ?? null
      return { file, configured, bytes: bytes ?? Buffer.alloc(0), publicKey }
    }),
  )
  return found.filter((each) => each.configured || each.bytes.length > 0)
}

/** null: cannot be read; the caller says so where it matters. */
async function readSmallFile(file: string): Promise<Buffer | null> {
  try {
    const bytes = await readFile(file)
    return bytes.length > maxKeyFileBytes ? null : bytes
  } catch {
    // missing, a directory or not ours to read: all the same here, "cannot be read"
    return null
  }
}

async function addAgentKeys(plan: AuthPlan, hop: Hop, files: readonly KeyFile[], signal: AbortSignal): Promise<Buffer[]> {
  if (hop.agentSocket === null) {
    if (hop.auth === 'agent') plan.notes.push('no agent is running for this console (SSH_AUTH_SOCK is not set)')
    return []
  }
  const agent = createAgent(hop.agentSocket)
  let all: ParsedKey[]
  try {
    all = await agentKeys(agent, signal)
  } catch (error) {
    if (signal.aborted) throw error
    plan.notes.push(`the agent at ${hop.agentSocket} does not answer`)
    return []
  }
  const rank = (key: ParsedKey): number => files.findIndex((file) => file.publicKey?.equals(key.getPublicSSH()) === true)
  const named = all.filter((key) => rank(key) >= 0).sort((a, b) => rank(a) - rank(b))
  const keys = hop.identitiesOnly ? named : [...named, ...all.filter((key) => rank(key) < 0)]
  if (keys.length === 0) {
    plan.notes.push(
      all.length === 0 ? `the agent at ${hop.agentSocket} holds no keys` : 'IdentitiesOnly leaves out all keys of the agent',
    )
    return []
  }
  const method: AnyAuthMethod = { type: 'agent', username: hop.user, agent: new ChosenKeysAgent(agent, keys) }
  plan.attempts.push({ label: `agent (${keys.length} ${keys.length === 1 ? 'key' : 'keys'})`, method })
  return keys.map((key) => key.getPublicSSH())
}

function agentKeys(agent: BaseAgent, signal: AbortSignal): Promise<ParsedKey[]> {
  return abortable(signal, (resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) return reject(error)
      resolve((keys ?? []).flatMap((key) => (utils.parseKey(key as ParsedKey) instanceof Error ? [] : [key as ParsedKey])))
    })
  })
}

/** The agent, showing only the chosen keys in the chosen order. */
class ChosenKeysAgent extends BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent
  readonly #keys: ParsedKey[]

  constructor(agent: BaseAgent, keys: ParsedKey[]) {
    super()
    this.#agent = agent
    this.#keys = keys
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    done(null, this.#keys)
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options)
    else this.#agent.sign(key, data, options, done)
  }
}

async function addKeyFiles(
  plan: AuthPlan,
  hop: Hop,
  files: readonly KeyFile[],
  secrets: NodeSecrets,
  offered: readonly Buffer[],
): Promise<void> {
  for (const { file, bytes, publicKey, configured } of files) {
    if (publicKey !== null && offered.some((key) => key.equals(publicKey))) continue
    if (bytes.length === 0) {
      plan.notes.push(`the key file ${file} cannot be read`)
      continue
    }
    const key = isEncryptedKey(bytes) ? await decryptKey(plan, file, bytes, configured, secrets) : utils.parseKey(bytes)
    if (key === null) continue
    if (key instanceof Error || !key.isPrivateKey()) plan.notes.push(`${file} is not a private key that can be used`)
    else plan.attempts.push({ label: `key ${file}`, method: { type: 'publickey', username: hop.user, key } })
  }
}

/** null: noted why not. */
async function decryptKey(
  plan: AuthPlan,
  file: string,
  bytes: Buffer,
  configured: boolean,
  secrets: NodeSecrets,
): Promise<ParsedKey | null> {
  let passphrase: string | null
  try {
    passphrase = await secrets.passphrase()
  } catch (error) {
    // A locked vault matters for a key that was asked for, not for a default one that happens to lie there.
    if (configured || !(error instanceof AppError)) throw error
    plan.notes.push(`the key ${file} is encrypted and the vault is locked`)
    return null
  }
  if (passphrase === null) {
    plan.notes.push(`the key ${file} is encrypted and no passphrase is stored for this node`)
    return null
  }
  const key = utils.parseKey(bytes, passphrase)
  if (!(key instanceof Error)) return key
  plan.notes.push(`the stored passphrase does not open the key ${file}`)
  return null
}

/** PEM with an encryption header, PKCS#8 encrypted, or an OpenSSH key whose cipher is not `none`. */
export function isEncryptedKey(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text) || /^Proc-Type: 4,ENCRYPTED/m.test(text)) return true
  if (/^Encryption: (?!none)/m.test(text)) return true // PuTTY
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1]
  if (body === undefined) return false
  const magic = 'openssh-key-v1\0'
  const blob = Buffer.from(body, 'base64')
  if (blob.length < magic.length + 4 || blob.toString('latin1', 0, magic.length) !== magic) return false
  const length = blob.readUInt32BE(magic.length)
  return blob.toString('latin1', magic.length + 4, magic.length + 4 + Math.min(length, 64)) !== 'none'
}

async function addPassword(plan: AuthPlan, hop: Hop, secrets: NodeSecrets): Promise<void> {
  let password: string | null
  try {
    password = await secrets.password()
  } catch (error) {
    // a locked vault matters only when nothing else can be tried
    if (hop.auth === 'password' || plan.attempts.length === 0 || !(error instanceof AppError)) throw error
    plan.notes.push('the vault with the password is locked')
    return
  }
  if (password === null) {
    if (hop.auth === 'password') plan.notes.push('no password is stored for this node')
    return
  }
  plan.attempts.push({ label: 'password', method: { type: 'password', username: hop.user, password } })
  // Servers with PAM often offer the password as a dialogue only. One hidden question is answered; anything else is not a password prompt.
  const method: AnyAuthMethod = {
    type: 'keyboard-interactive',
    username: hop.user,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      const isPasswordPrompt = prompts.length === 1 && prompts[0]?.echo !== true
      finish(isPasswordPrompt ? [password] : prompts.map(() => ''))
    },
  }
  plan.attempts.push({ label: 'password dialogue', method })
}

function parsed(data: Buffer | string): ParsedKey | null {
  const key = utils.parseKey(data)
  return key instanceof Error ? null : key
}
