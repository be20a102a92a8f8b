/**
 * The browser shell prints an address that ends in `#token=…`. The fragment never reaches a server or its log; it is moved to
 * sessionStorage (one tab, gone when it closes) and taken out of the address, so that neither the history nor a copied address
 * carries it. A reload finds it in sessionStorage.
 */
const KEY = 'evenkeel.token'

export function takeLaunchToken(location: Location, history: History, storage: Storage): string | null {
  const match = /^#token=([A-Za-z0-9_-]+)(.*)$/.exec(location.hash)
  if (!match) return storage.getItem(KEY)
  const [, token = '', rest = ''] = match
  keepToken(token, storage)
  const route = rest.replace(/^[&#]/, '')
  history.replaceState(null, '', location.pathname + location.search + (route === '' ? '' : `#${route}`))
  return token
}

export function keepToken(token: string, storage: Storage): void {
  storage.setItem(KEY, token)
}
