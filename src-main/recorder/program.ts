/** A prober at work, wherever it is. */
export interface Program {
  /** one letter; see program-lines.ts */
  tell(letter: string): void
  /** It finishes what is under way and ends. */
  finish(): void
  /** Resolves when it has ended and all its lines were told; null: as it was asked to. */
  readonly ended: Promise<Error | null>
}
