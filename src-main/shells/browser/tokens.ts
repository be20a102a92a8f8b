import { randomBytes } from 'node:crypto'
import { tokenMatches } from './http-policy.ts'

/**
 * Who may open a session.
 *
 * - The session token is made anew for each launch and is printed only to the terminal that started the shell.
 * - A ticket is what goes on a browser's command line, where every local user can read it: it works once, for a minute, and is
 *   exchanged for the session token over the socket.
 */
export interface Tokens {
  readonly session: string
  issueTicket(): string
  /** null: not admitted. `handOver`: the session token to give to the window that came with a ticket. */
  admit(offered: unknown): { handOver: string | null } | null
}

const TICKET_LIFE_MS = 60_000

export function createTokens(now: () => number = () => performance.now()): Tokens {
  const session = randomBytes(32).toString('base64url')
  const tickets = new Map<string, number>()
  return {
    session,
    issueTicket() {
      const ticket = randomBytes(32).toString('base64url')
      tickets.set(ticket, now() + TICKET_LIFE_MS)
      return ticket
    },
    admit(offered) {
      if (tokenMatches(session, offered)) return { handOver: null }
      for (const [ticket, expires] of tickets) {
        if (!tokenMatches(ticket, offered)) continue
        tickets.delete(ticket)
        return now() <= expires ? { handOver: session } : null
      }
      return null
    },
  }
}
