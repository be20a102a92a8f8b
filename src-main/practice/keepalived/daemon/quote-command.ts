/** `'/usr/bin/test' '-e' '/run/ok'`, as the dumps write commands. */
export const quoteCommand = (argv: readonly string[]): string => argv.map((word) => `'${word}'`).join(' ')
