import ssh2 from 'ssh2'

export interface KeyPair {
  /** OpenSSH's private key format */
  private: string
  /** a line of authorized_keys */
  public: string
}

/** ssh2 1.17 now and then writes an ed25519 key that it cannot read back ("Malformed OpenSSH private key"); such a one is thrown away. */
export function newKeyPair(): KeyPair {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return { private: pair.private, public: pair.public }
  }
  throw new Error('ssh2 made no readable key in 20 attempts.')
}
