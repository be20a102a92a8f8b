/**
 * Who may import whom (docs/architecture.md). Each rule names a room and what it must never reach.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const never = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { path: from }, to: { path: to } })
const onlyFrom = (pkg, room) => ({
  name: `only-${room.replace(/[^a-z0-9]+/g, '-')}-imports-${pkg}`,
  comment: `${pkg} is wrapped once, in ${room}; everything else uses that wrapper.`,
  severity: 'error',
  from: { path: '^src-', pathNot: `^${room}` },
  to: { path: `node_modules/${pkg}/`, dependencyTypesNot: ['type-only'] },
})

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'An import cycle hides who depends on whom.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-missing',
      comment: 'Every import resolves.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['\\?', '^vite/client$', '^electron$'] },
    },
    {
      name: 'contract-imports-valibot-only',
      comment: 'The contract runs on both sides of the border.',
      severity: 'error',
      from: { path: '^src-preload/contract' },
      to: { pathNot: ['^src-preload/contract', 'node_modules/valibot'] },
    },
    {
      name: 'preload-stays-tiny',
      comment: 'The sandboxed preload carries electron and a few constants, nothing else.',
      severity: 'error',
      from: { path: '^src-preload/index\\.ts' },
      to: { pathNot: ['^src-preload/channels\\.ts', 'electron'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'domain-is-pure',
      comment: 'The rules of the trade know no clock, no IO and no library.',
      severity: 'error',
      from: { path: '^src-main/domain' },
      to: { pathNot: ['^src-main/domain', '^src-preload/contract'] },
    },
    never(
      'app-knows-only-ports',
      'Use cases never reach an adapter directly.',
      '^src-main/app',
      '^src-main/(drivers|transport|recorder|store|vault|practice|shells|compose)|node_modules/electron/',
    ),
    never(
      'drivers-know-only-ports',
      'A driver asks a NodeSession, whatever is behind it.',
      '^src-main/drivers',
      '^src-main/(transport|store|vault|practice|shells|compose)|node_modules/(ssh2|electron)/',
    ),
    never(
      'drivers-do-not-know-each-other',
      'Adding a daemon is one folder.',
      '^src-main/drivers/haproxy',
      '^src-main/drivers/(nginx|keepalived)',
    ),
    never(
      'nginx-does-not-know-others',
      'Adding a daemon is one folder.',
      '^src-main/drivers/nginx',
      '^src-main/drivers/(haproxy|keepalived)',
    ),
    never(
      'keepalived-does-not-know-others',
      'Adding a daemon is one folder.',
      '^src-main/drivers/keepalived',
      '^src-main/drivers/(haproxy|nginx)',
    ),
    never(
      'transport-has-never-heard-of-haproxy',
      'Transport moves bytes.',
      '^src-main/transport',
      '^src-main/(domain|drivers|store|vault|practice|shells|compose)',
    ),
    never(
      'store-keeps-rows',
      'The store knows rows, not rules.',
      '^src-main/(store|vault)',
      '^src-main/(domain|drivers|transport|practice|shells|compose)',
    ),
    never(
      'practice-stands-alone',
      'The practice fleet is reached as any other fleet is; it knows the rules of the trade and nothing of the console.',
      '^src-main/practice',
      '^src-main/(app|drivers|transport|store|vault|shells|compose)',
    ),
    onlyFrom('just-bash', 'src-main/practice/machine'),
    never(
      'recorder-knows-only-ports',
      'The recorder imitates clients, from wherever a NodeSession reaches.',
      '^src-main/recorder',
      '^src-main/(domain|drivers|transport|store|vault|practice|shells|compose)',
    ),
    never(
      'shells-are-thin',
      'A shell knows compose, the dispatcher and the contract.',
      '^src-main/shells',
      '^src-main/(domain|drivers|transport|practice)',
    ),
    never(
      'compose-is-shell-free',
      'The same composition serves every shell.',
      '^src-main/(?!shells)',
      '^src-main/shells|node_modules/electron/',
    ),
    never(
      'renderer-stays-in-its-room',
      'The window knows the contract and itself.',
      '^src-renderer',
      '^src-main|^src-preload/index|node_modules/(electron|ssh2|better-sqlite3)/',
    ),
    {
      name: 'renderer-has-no-node',
      comment: 'The window runs in a browser.',
      severity: 'error',
      from: { path: '^src-renderer' },
      to: { dependencyTypes: ['core'] },
    },
    never(
      'only-stores-call-the-bridge',
      'Features and ui see stores, never the wire.',
      '^src-renderer/(features|ui|charts|shell)',
      '^src-renderer/bridge',
    ),
    never(
      'ui-knows-no-load-balancers',
      'Buttons and tables know nothing of the trade.',
      '^src-renderer/ui',
      '^src-renderer/(features|stores|bridge)',
    ),
    onlyFrom('ssh2', 'src-main/(transport|practice)'),
    onlyFrom('better-sqlite3', 'src-main/store'),
    onlyFrom('electron', 'src-(main/shells/desktop|preload/index)'),
    onlyFrom('chart.js', 'src-renderer/charts'),
    onlyFrom('@codemirror', 'src-renderer/editor'),
    onlyFrom('@lezer', 'src-renderer/editor'),
    never(
      'editor-knows-no-load-balancers',
      'An editor shows text; what it means comes from outside.',
      '^src-renderer/editor',
      '^src-renderer/(features|stores|bridge)',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.(css|svg|png|woff2?)$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.vue', '.js', '.cjs', '.mjs', '.json'],
      conditionNames: ['import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
}
