import { Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { DrainFloor, ServiceKind } from '#contract'
import { getConfig, lint, parseConfig, type GetOptions, type LintOptions } from './config-commands.ts'
import { diffConfig } from './config-diff.ts'
import { checkConfig, mirrorVersions, push, pushes, rollback, settlePush, versions, type PushOptions } from './push-commands.ts'
import { setConfig, type SetOptions } from './config-set.ts'
import { drain, drains, goOn, steer, stopHere, undrain, type DrainOptions } from './drain-commands.ts'
import { drillCatalogue, drillLever, drillList, drillPlan, drillRun, drillStop, type PlanOptions } from './drill-commands.ts'
import { drillReport, drillVerify, type ReportFormat } from './drill-report.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { nodes, servers, vips, watch, type ServersFilter } from './fleet-commands.ts'
import {
  addNode,
  exportInventory,
  importInventory,
  printSchema,
  removeNode,
  type AddOptions,
  type ImportOptions,
} from './inventory-commands.ts'
import { forgetKeys, keys } from './key-commands.ts'
import { probe, trust } from './node-commands.ts'
import { doPractice, practiceScenarios, practiceStatus, revertPractice, servePractice } from './practice-commands.ts'
import { history, jobs, setState, undo, type SetStateOptions } from './operation-commands.ts'
import { readiness } from './readiness-command.ts'
import { runCommand, type Command, type CommandOptions, type Compose } from './run-command.ts'
import { drillSchedules, scheduleDrill, unscheduleDrill, type ScheduleOptions } from './schedule-commands.ts'
import type { Terminal } from './terminal.ts'
import { setPassphrase, useKeyFile, vaultStatus } from './vault-commands.ts'
import { moveVip, moveVipBack, type MoveOptions } from './vip-commands.ts'

interface GlobalOptions {
  json?: boolean
  timeout: number
}

/** Parses one command line, runs it, and answers the exit code. */
export async function runProgram(
  args: readonly string[],
  terminal: Terminal,
  compose: Compose,
  version: string,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = createProgram(terminal, version, async (lease, work, options) => {
    code = await runCommand(terminal, compose, { json: options.json ?? false, lease }, (command) =>
      work(command, options.timeout * 1000),
    )
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (thrown) {
    // commander has said what is wrong; help and --version end this way too, with 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    throw thrown
  }
}

type Run = (
  lease: CommandOptions['lease'],
  work: (command: Command, timeoutMs: number) => Promise<ExitCode>,
  options: GlobalOptions,
) => Promise<void>

function createProgram(terminal: Terminal, version: string, run: Run): Commander {
  const program = new Commander('evenkeel')
    .description('Admin console for load-balancer fleets: HAProxy, nginx and keepalived over SSH alone.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.err(text.trimEnd()) })
    .showHelpAfterError('"evenkeel --help" lists the commands.')
  const globals = (command: Commander): GlobalOptions => command.optsWithGlobals()

  /** A command with the options that every command has. */
  const add = (parent: Commander, usage: string, description: string): Commander =>
    parent
      .command(usage)
      .description(description)
      .option('--json', 'print JSON')
      .option('--timeout <seconds>', 'wait this long for nodes to answer', seconds, 20)

  add(program, 'servers', 'every server of every pool, joined across balancers')
    .option('--state <state>', 'only servers in this state')
    .option('--pool <pool>', 'only this pool, by name or id')
    .option('--node <node>', 'only servers of this balancer')
    .action((options: ServersFilter, self: Commander) => run('look', (c, ms) => servers(c, ms, options), globals(self)))
  add(program, 'nodes', 'the nodes and how they are reached').action((_: object, self: Commander) =>
    run('look', nodes, globals(self)),
  )
  add(program, 'vips', 'the virtual routers and who holds their addresses').action((_: object, self: Commander) =>
    run('look', vips, globals(self)),
  )
  const vip = program.command('vip').description('move a virtual address on purpose')
  add(vip, 'move <router>', 'hand it over to another member, which takes over while its holder still serves')
    .option('--to <node>', 'who is to have it; default: who comes next')
    .option('--reason <text>', 'why; kept with the push')
    .option('--plan', 'only say what would be done, as a script')
    .option('--watch <time>', 'how long it is watched before it is confirmed', duration)
    .action((router: string, options: MoveOptions, self: Commander) =>
      run(options.plan ? 'look' : 'drive', (c, ms) => moveVip(c, ms, router, options), globals(self)),
    )
  add(vip, 'back <router>', 'take the last handover back')
    .option('--reason <text>', 'why; kept with the push')
    .action((router: string, options: { reason?: string }, self: Commander) =>
      run('drive', (c, ms) => moveVipBack(c, ms, router, options), globals(self)),
    )
  add(program, 'watch', 'tell changes as they are read, until Ctrl-C').action((_: object, self: Commander) =>
    run('look', watch, globals(self)),
  )

  for (const [state, description] of [
    ['maint', 'take the servers out at once, checks included'],
    ['ready', 'put the servers back into service'],
  ] as const) {
    add(program, `${state} <server...>`, `${description}; a server is an id, pool/name, name or address`)
      .option('--reason <text>', 'kept in the history')
      .option('--node <node>', 'only on this balancer; may be repeated', collected)
      .option('--plan', 'only say what would be sent')
      .action((selectors: string[], options: SetStateOptions, self: Commander) =>
        run(options.plan ? 'look' : 'drive', (c, ms) => setState(c, ms, state, selectors, options), globals(self)),
      )
  }
  addDrainCommands(program, add, globals, run)
  add(program, 'undo <job>', 'put back what a job found').action((job: string, _: object, self: Commander) =>
    run('drive', (c) => undo(c, job), globals(self)),
  )
  add(program, 'jobs [job]', 'the jobs, newest first, or one of them with its commands')
    .option('--limit <count>', 'how many', count, 50)
    .action((job: string | undefined, { limit }: { limit: number }, self: Commander) =>
      run('look', (c) => jobs(c, job, Math.min(limit, 500)), globals(self)),
    )
  add(program, 'history', 'what happened, newest first')
    .option('--limit <count>', 'how many', count, 50)
    .option('--subject <id>', 'only about this server, router, node or job')
    .action(({ limit, subject }: { limit: number; subject?: string }, self: Commander) =>
      run(
        'look',
        (c) => history(c, { limit: Math.min(limit, 1000), ...(subject === undefined ? {} : { subject }) }),
        globals(self),
      ),
    )

  add(program, 'probe <node>', 'look at a node: daemons, sockets, privileges, and what is missing').action(
    (node: string, _: object, self: Commander) => run('drive', (c) => probe(c, node), globals(self)),
  )
  add(program, 'trust <node>', 'show the host key of a node, and of its jump hosts, and trust it')
    .option('--fingerprint <SHA256:…>', 'trust the key that has this fingerprint, without asking')
    .action((node: string, { fingerprint }: { fingerprint?: string }, self: Commander) =>
      run('drive', (c) => trust(c, node, fingerprint), globals(self)),
    )
  add(program, 'keys', 'the host keys that were trusted here').action((_: object, self: Commander) =>
    run('look', keys, globals(self)),
  )
  add(program, 'forget-key <host[:port]>', 'no longer trust what was trusted here for a host')
    .option('--fingerprint <SHA256:…>', 'only the key that has this fingerprint, without asking')
    .action((host: string, { fingerprint }: { fingerprint?: string }, self: Commander) =>
      run('drive', (c) => forgetKeys(c, host, fingerprint), globals(self)),
    )
  add(program, 'data', 'where Evenkeel keeps its data, and who works with it').action((_: object, self: Commander) =>
    run('look', data, globals(self)),
  )
  addConfigCommands(program, add, globals, run)
  addDrillCommands(program, add, globals, run)
  addInventoryCommands(program, add, globals, terminal, run)
  addVaultCommands(program, add, globals, run)
  addPracticeCommands(program, add, globals, run)
  return program
}

function addVaultCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  run: Run,
): void {
  const vault = program.command('vault').description('what passwords and passphrases of nodes are kept under')
  add(vault, 'status', 'how they are kept, and whose there are').action((_: object, self: Commander) =>
    run('look', vaultStatus, globals(self)),
  )
  add(vault, 'set-passphrase', 'keep them under a passphrase, or under another one')
    .option('--new-passphrase-file <file>', 'its first line; only you may be able to read it')
    .action(({ newPassphraseFile }: { newPassphraseFile?: string }, self: Commander) =>
      run('drive-locked', (c) => setPassphrase(c, newPassphraseFile), globals(self)),
    )
  add(vault, 'use-key-file', 'keep them under a key file in the data folder, which asks nobody').action(
    (_: object, self: Commander) => run('drive-locked', useKeyFile, globals(self)),
  )
}

function addDrainCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  run: Run,
): void {
  add(program, 'drain [server...]', 'take servers out and keep them out; a server is an id, pool/name, name or address')
    .option('--reason <text>', 'why; shown to whoever finds the server drained')
    .option('--node <node>', 'only on this balancer; may be repeated', collected)
    .option('--floor <count>', 'refuse when fewer servers (2) or fewer of a hundred (50%) would remain; default: 1', floor)
    .option('--override-floor <reason>', 'drain all the same; the reason is recorded')
    .option('--deadline <time>', 'how long it may take, as in 90s, 10m, 2h, 1d', duration)
    .addOption(new Option('--on-deadline <action>', 'what then; default: wait').choices(['wait', 'finish', 'put-back']))
    .option('--expires <time>', 'put back by itself after this time', duration)
    .addOption(new Option('--then <state>', 'once it is empty').choices(['maint']))
    .addOption(
      new Option('--on-violation <action>', 'when it comes back by itself; default: reassert').choices(['reassert', 'alarm']),
    )
    .addOption(
      new Option('--unreachable <action>', 'balancers that cannot be asked; default: refuse').choices(['refuse', 'later']),
    )
    .addOption(
      new Option('--unchangeable <action>', 'balancers that do not let it be changed; default: refuse').choices([
        'refuse',
        'leave-out',
      ]),
    )
    .option('--pool <pool>', 'every server of this pool')
    .option('--match <pattern>', "every server with such a name, as in 'web*'; with --pool only its own")
    .option('--waves <count>', 'so many at a time; each wave begins when the one before it takes traffic again', wave)
    .option('--one-by-one', 'the same as --waves 1')
    .addOption(
      new Option(
        '--go-on <when>',
        'when a wave goes back; healthy: when its checks failed and pass again; default: asked',
      ).choices(['asked', 'healthy']),
    )
    .option('--wait', 'until it is empty')
    .option('--dry-run', 'only say what would be done, and what would come of it')
    .action((selectors: string[], options: DrainOptions, self: Commander) =>
      run(options.dryRun ? 'look' : 'drive', (c, ms) => drain(c, ms, selectors, options), globals(self)),
    )
  add(program, 'undrain <server>', 'put a drained server back as it was; also by the id of the drain').action(
    (what: string, _: object, self: Commander) => run('drive', (c, ms) => undrain(c, ms, what), globals(self)),
  )
  for (const [name, how, description] of [
    ['hold', 'drain.hold', 'stop the clock of a drain: it stays out, and nothing is done by itself'],
    ['resume', 'drain.resume', 'let a drain that is held go on'],
    ['finish', 'drain.finishNow', 'shut down what is left on a drained server, which goes into maintenance'],
  ] as const) {
    add(program, `${name} <server>`, `${description}; also by the id of the drain`).action(
      (what: string, _: object, self: Commander) => run('drive', (c, ms) => steer(c, ms, what, how), globals(self)),
    )
  }
  add(program, 'go-on <server>', 'put a wave back and drain the next one; also by the id of the drain').action(
    (what: string, _: object, self: Commander) => run('drive', (c, ms) => goOn(c, ms, what), globals(self)),
  )
  add(program, 'stop-here <server>', 'drain no further wave; what is out stays out; also by the id of the drain')
    .option('--put-back', 'and put back what is out')
    .action((what: string, options: { putBack?: boolean }, self: Commander) =>
      run('drive', (c, ms) => stopHere(c, ms, what, options), globals(self)),
    )
  add(program, 'drains [drain]', 'the drains in force, or one of them with what happened')
    .option('--all', 'those that have ended as well')
    .action((id: string | undefined, options: { all?: boolean }, self: Commander) =>
      run('look', (c) => drains(c, id, options), globals(self)),
    )
}

function addConfigCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  run: Run,
): void {
  const kind = (): Option =>
    new Option('--kind <daemon>', 'default: by the words of the file').choices(['haproxy', 'nginx', 'keepalived'])
  const config = program.command('config').description('configuration files')
  add(config, 'parse <file>', 'print what a file means, without any node; --json prints its tree as well')
    .addOption(kind())
    .option('--print', 'write the file back from its tree, byte for byte')
    .action((file: string, options: { kind?: ServiceKind; print?: boolean }, self: Commander) =>
      run('look', (c) => parseConfig(c, file, options), globals(self)),
    )
  const service = (): Option =>
    new Option('--service <daemon>', 'only of this daemon').choices(['haproxy', 'nginx', 'keepalived'])
  add(config, 'get [node]', 'the files of a node, or of all nodes, as they are on disk now')
    .addOption(service())
    .option('--out <folder>', 'write them there, in a folder for each node')
    .option('--secrets', 'with their passwords, which are masked otherwise')
    .action((node: string | undefined, options: GetOptions, self: Commander) =>
      run('look', (c) => getConfig(c, node, options), globals(self)),
    )
  add(config, 'diff <before> <after>', 'what differs between two nodes, files, or node:/path; ends with 1 on a difference')
    .addOption(service())
    .action((before: string, after: string, { service: kind }: { service?: ServiceKind }, self: Commander) =>
      run('look', (c) => diffConfig(c, [before, after], kind === undefined ? {} : { kind }), globals(self)),
    )
  add(config, 'set <file> [setting...]', 'change one local file: weight=3, check=off; prints it, every other byte as it was')
    .addOption(kind())
    .option('--server <pool/server>', 'the server to change; on nginx its address')
    .option('--router <name>', 'the vrrp_instance to change')
    .option('--add <address>', 'add the server, or an address of the router')
    .option('--remove [address]', 'remove the server, or an address of the router')
    .option('--diff', 'print what differs instead of the file')
    .option('--write', 'write the file, and print what differs')
    .action((file: string, settings: string[], options: SetOptions, self: Commander) =>
      run('look', (c) => setConfig(c, file, settings, options), globals(self)),
    )
  const pushed = (usage: string, description: string): Commander =>
    add(config, usage, description)
      .option('--node <node>', 'to this node; may be repeated', collected)
      .option('--pair <pair>', 'to both members', collected)
      .option('--site <site>', 'to every node of the site', collected)
      .option('--values <file>', 'YAML of what each node has for itself: {{name}} in the files stands for it')
  pushed('check <file=path...>', 'have the daemons of these nodes judge files, at the paths they are to have').action(
    (words: string[], options: PushOptions, self: Commander) =>
      run('look', (c) => checkConfig(c, words, options), globals(self)),
  )
  pushed('push <file=path...>', 'put files on nodes: checked, guarded, watched, and taken back when they serve worse')
    .option('--reason <text>', 'why; kept with every version')
    .option('--plan', 'only say what would be done, as a script')
    .option(
      '--guard <time>',
      'how long a node waits before it goes back by itself; default: a minute more than --watch',
      duration,
    )
    .option('--watch <time>', 'how long each node is watched before it is confirmed', duration)
    .option('--canary <node>', 'alone in the first wave; default: a standby')
    .option('--wave-size <number>', 'nodes at a time after it', Number)
    .option('--budget <number>', 'nodes that may fail before all is taken back', Number)
    .option('--allow-capacity-loss', 'fewer servers, or less room on them, is what is wanted')
    .option('--allow-vip-move', 'a virtual address that leaves its node is what is wanted')
    .option('--runtime', 'tell the running HAProxy instead of reloading it; the files are written all the same')
    .action((words: string[], options: PushOptions, self: Commander) =>
      run(options.plan ? 'look' : 'drive', (c) => push(c, words, options), globals(self)),
    )
  add(config, 'rollback <push>', 'push what was there before a push')
    .option('--reason <text>', 'why; kept with every version')
    .option('--node <node>', 'only on this node; may be repeated', collected)
    .option('--plan', 'only print what would be done, as a script')
    .action((id: string, options: { reason?: string; node?: string[]; plan?: boolean }, self: Commander) =>
      run(options.plan ? 'look' : 'drive', (c) => rollback(c, id, options), globals(self)),
    )
  add(config, 'pushes', 'pushes, the newest first')
    .option('--standing', 'the guards that stand on nodes instead, whoever armed them')
    .action((options: { standing?: boolean }, self: Commander) => run('look', (c) => pushes(c, options), globals(self)))
  add(config, 'settle <guard>', "end what somebody's push has left on a node")
    .addOption(
      new Option('--how <end>', 'keep what it has put there, or put back what was before')
        .choices(['keep', 'restore'])
        .makeOptionMandatory(),
    )
    .action((guard: string, options: { how: 'keep' | 'restore' }, self: Commander) =>
      run('drive', (c) => settlePush(c, guard, options), globals(self)),
    )
  add(
    config,
    'versions [node]',
    'every version of every file that was seen or pushed; "config diff version:1 version:2" compares two',
  )
    .option('--path <path>', 'only of this file')
    .action((node: string | undefined, options: { path?: string }, self: Commander) =>
      run('look', (c) => versions(c, node, options), globals(self)),
    )
  add(config, 'mirror <folder>', 'brings every version into a git repository, as commits; passwords are masked there').action(
    (folder: string, _options: object, self: Commander) => run('drive', (c) => mirrorVersions(c, folder), globals(self)),
  )
  add(program, 'lint [file...]', 'what will hurt in these files; members of a pair are compared; ends with 1 on an error')
    .addOption(kind())
    .option('--node <node>', 'the files of this node; may be repeated', collected)
    .action((files: string[], options: LintOptions, self: Commander) =>
      run('look', (c) => lint(c, files, options), globals(self)),
    )
}

function addDrillCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  run: Run,
): void {
  const drill = program.command('drill').description('rehearse a failover, and measure it')
  add(drill, 'catalogue [router]', 'the faults; with a virtual router, what each would do to it').action(
    (router: string | undefined, _: object, self: Commander) =>
      run('look', (c, ms) => drillCatalogue(c, ms, router), globals(self)),
  )
  add(drill, 'readiness <vip>', 'whether the standby could take over; ends with 1 when something blocks a drill')
    .option('--fault <fault>', 'one of the catalogue', 'priority-drop')
    .action((vip: string, options: { fault: string }, self: Commander) =>
      run('look', (c, ms) => readiness(c, ms, vip, options), globals(self)),
    )
  add(drill, 'plan [file]', 'a dry run of a plan, with every command; without a file, a new plan to begin with')
    .option('--router <id>', 'for a new plan: the virtual router, as "vips" names it')
    .option('--port <port>', 'for a new plan: a port at its address that clients use', count)
    .option('--fault <fault>', 'for a new plan, one of the catalogue; default: priority-drop')
    .option('--node <node>', 'for a new plan: who gets the fault; default: whoever holds the address')
    .action((file: string | undefined, options: PlanOptions, self: Commander) =>
      run('look', (c, ms) => drillPlan(c, ms, file, options), globals(self)),
    )
  add(drill, 'run <plan>', 'carry a plan out; Ctrl-C takes the fault back first; ends with 0 when it was proven')
    .option('--reason <text>', 'why; stands in the report and in the history')
    .action((file: string, options: { reason?: string }, self: Commander) =>
      run('drive', (c, ms) => drillRun(c, ms, file, options), globals(self)),
    )
  add(drill, 'stop [drill]', 'take its fault back at once; without an id, that of every drill, whoever runs it').action(
    (id: string | undefined, _: object, self: Commander) => run('drive', (c) => drillStop(c, id), globals(self)),
  )
  add(drill, 'report <drill>', 'the report of a drill that is over')
    .addOption(
      new Option('--format <format>', 'default: markdown; a PDF takes an installed Chromium').choices([
        'markdown',
        'html',
        'json',
        'pdf',
      ]),
    )
    .option('--out <file>', 'write it there')
    .action((id: string, options: { format?: ReportFormat; out?: string }, self: Commander) =>
      run('look', (c) => drillReport(c, id, options), globals(self)),
    )
  add(drill, 'verify <file>', 'whether a report in JSON is as it was signed; its signature lies beside it as FILE.sig')
    .option('--key <key>', 'the public key that is expected, as "drill report --out" names it')
    .action((file: string, options: { key?: string }, self: Commander) =>
      run('look', (c) => drillVerify(c, file, options), globals(self)),
    )
  add(drill, 'list', 'drills, the newest first')
    .option('--router <id>', 'only of this virtual router')
    .option('--trend', 'when each address was last proven to move instead')
    .option('--limit <count>', 'how many', count, 50)
    .action((options: { router?: string; trend?: boolean; limit: number }, self: Commander) =>
      run('look', (c) => drillList(c, options), globals(self)),
    )
  add(drill, 'schedule <plan>', 'carry a plan out at set times, as long as an application runs')
    .option('--cron <times>', 'as crontab(5) writes them: "0 10 * * 2"')
    .option('--time-zone <name>', 'whose clock; default: that of this computer')
    .option(
      '--not <window>',
      'a time in which none is begun: "0 9 28 * * for 3h: month-end closing"; may be repeated',
      collected,
    )
    .option('--reason <text>', 'why')
    .action((file: string, options: ScheduleOptions, self: Commander) =>
      run('look', (c) => scheduleDrill(c, file, options), globals(self)),
    )
  add(drill, 'schedules', 'what is scheduled, when it is due, and what became of it').action((_: object, self: Commander) =>
    run('look', (c) => drillSchedules(c), globals(self)),
  )
  add(drill, 'unschedule <schedule>', 'end a schedule').action((id: string, _: object, self: Commander) =>
    run('look', (c) => unscheduleDrill(c, id), globals(self)),
  )
  add(drill, 'lever [word]', 'whether drills may be begun; "block" and "allow" decide it for the whole fleet')
    .option('--reason <text>', 'why')
    .action((word: string | undefined, options: { reason?: string }, self: Commander) =>
      run(word === undefined ? 'look' : 'drive', (c) => drillLever(c, word, options), globals(self)),
    )
}

function addInventoryCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  terminal: Terminal,
  run: Run,
): void {
  const inventory = program.command('inventory').description('the sites, nodes and pairs')
  add(inventory, 'import <file>', 'add and replace what a YAML or JSON file says; - is standard input')
    .option('--format <format>', 'yaml or json; default: by the name of the file')
    .option('--replace', 'make the inventory equal to the file: what is not in it is removed')
    .option('--dry-run', 'only say what would change')
    .option('--no-probe', 'do not look at the nodes')
    .action((file: string, options: ImportOptions, self: Commander) =>
      run('drive', (c) => importInventory(c, file, options), globals(self)),
    )
  add(inventory, 'export', 'print the inventory')
    .option('--format <format>', 'yaml or json', 'yaml')
    .action(({ format }: { format: string }, self: Commander) => run('look', (c) => exportInventory(c, format), globals(self)))
  add(inventory, 'add <id>', 'add a node and look at it')
    .option('--host <host>', 'name, address, or Host alias of ~/.ssh/config; default: the id')
    .option('--port <port>', 'SSH port')
    .option('--user <user>', 'account')
    .option('--identity <file>', 'private key file')
    .option('--known-hosts <file>', 'a known_hosts file to use as well')
    .option('--jump <hosts>', 'ProxyJump, as in ssh_config')
    .option('--auth <method>', 'agent, key or password')
    .option('--sudo', 'run privileged commands with sudo -n')
    .option('--name <name>', 'what to call it; default: the id')
    .option('--site <site>', 'the site it is at')
    .option('--production', 'ask for its name before anything risky')
    .action((id: string, options: AddOptions, self: Commander) => run('drive', (c) => addNode(c, id, options), globals(self)))
  add(inventory, 'remove <node>', 'remove a node').action((id: string, _: object, self: Commander) =>
    run('drive', (c) => removeNode(c, id), globals(self)),
  )
  inventory
    .command('schema')
    .description('print the JSON Schema of the inventory file')
    .option('--json', 'print JSON, which it is')
    .action(() => void printSchema((text) => terminal.out(text)))
}

function addPracticeCommands(
  program: Commander,
  add: (parent: Commander, usage: string, description: string) => Commander,
  globals: (command: Commander) => GlobalOptions,
  run: Run,
): void {
  const practice = add(program, 'practice', 'run a fleet to practise on, until Ctrl-C, and say how to reach it')
    .option('--nodes <count>', 'balancers; default: 4, or as the last time', count)
    .option('--servers <count>', 'servers per site; default: 8, or as the last time', count)
    .action((size: { nodes?: number; servers?: number }, self: Commander) => {
      const { nodes, servers } = size
      const asked = { ...(nodes === undefined ? {} : { nodes }), ...(servers === undefined ? {} : { servers }) }
      return run('look', (c) => servePractice(c, asked), globals(self))
    })
  add(practice, 'status', 'what the fleet does, and what troubles it').action((_: object, self: Commander) =>
    run('look', practiceStatus, globals(self)),
  )
  add(practice, 'scenarios', 'what can be made to happen').action((_: object, self: Commander) =>
    run('look', practiceScenarios, globals(self)),
  )
  add(practice, 'do <scenario> [target]', 'make it happen')
    .option('--value <number>', 'how much; default: as "practice scenarios" says', Number)
    .action((scenario: string, target: string | undefined, { value }: { value?: number }, self: Commander) =>
      run('look', (c) => doPractice(c, scenario, target, value), globals(self)),
    )
  add(practice, 'revert [scenario] [target]', 'put it right again; without a scenario, everything').action(
    (scenario: string | undefined, target: string | undefined, _: object, self: Commander) =>
      run('look', (c) => revertPractice(c, scenario, target), globals(self)),
  )
}

async function data({ client, print }: Command): Promise<ExitCode> {
  const about = await client.call('host.describe', {})
  const vault = await client.call('vault.status', {})
  print({ dataFolder: about.dataFolder, version: about.version, holder: about.lease.holder, vault }, () => [
    `data folder  ${about.dataFolder}`,
    `version      ${about.version}`,
    about.lease.holder.pid === process.pid
      ? 'in use by    nobody else'
      : `in use by    the ${about.lease.holder.shell} shell, process ${about.lease.holder.pid} on ${about.lease.holder.host}`,
    `secrets      ${vault.secrets.length} kept by ${vault.provider}${vault.unavailable === null ? '' : ` (${vault.unavailable})`}`,
  ])
  return exitCodes.ok
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3_600)) throw new InvalidArgumentError('It must be a number of seconds, at most 3600.')
  return value
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 up.')
  return value
}

/** as many as the contract takes in one drain */
function wave(text: string): number {
  const value = count(text)
  if (value > 200) throw new InvalidArgumentError('It must be at most 200.')
  return value
}

function collected(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value]
}

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `10m`, `2h`, `1d`, in milliseconds */
function duration(text: string): number {
  const [, digits, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  const ms = Number(digits) * (unitMs[unit ?? ''] ?? NaN)
  if (ms >= 1000 && ms <= 366 * 86_400_000) return ms
  throw new InvalidArgumentError('It must be a time such as 90s, 10m, 2h or 1d, at most 366d.')
}

/** `2` servers, or `50%` of them */
function floor(text: string): DrainFloor {
  const [, digits, percent] = /^(\d{1,4})(%?)$/.exec(text) ?? []
  const atLeast = Number(digits)
  if (digits !== undefined && atLeast <= (percent === '%' ? 100 : 1000)) {
    return { atLeast, unit: percent === '%' ? 'percent' : 'servers' }
  }
  throw new InvalidArgumentError('It must be a number of servers, such as 2, or a share of them, such as 50%.')
}
