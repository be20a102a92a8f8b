// better-sqlite3 13 needs Node-API 10; on an older Node it ends the process with SIGSEGV instead of an error.
if (Number(process.versions.napi) < 10) {
  throw new Error(
    `Node ${process.versions.node} is too old for the tests: run them with "npm test", which uses the Node that npm ci installed.`,
  )
}
