/** The command line's entry: `node src-main/shells/cli/index.ts …`, or the package's bin. */
import packageJson from '../../../package.json' with { type: 'json' }
import { exitCodes } from './exit-codes.ts'
import { runProgram } from './program.ts'
import { composeForCli } from './run-command.ts'
import { processTerminal } from './terminal.ts'

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.internal),
)

process.exitCode = await runProgram(process.argv.slice(2), processTerminal(), composeForCli, packageJson.version)
