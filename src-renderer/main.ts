import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'
import App from './app.vue'
import { clientKey, createClient } from './bridge/client.ts'
import { createElectronTransport } from './bridge/electron-transport.ts'
import { keepToken, takeLaunchToken } from './bridge/launch-token.ts'
import type { Transport } from './bridge/transport.ts'
import { createWebSocketTransport } from './bridge/websocket-transport.ts'
import { createAppI18n } from './i18n.ts'
import { createAppRouter } from './router.ts'
import { useAppearanceStore } from './stores/appearance.ts'
import { loadFace } from './words/load-face.ts'
import './ui/tokens.css'
import './ui/base.css'

function createTransport(): Transport {
  if (window.evenkeel) return createElectronTransport(window.evenkeel)
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return createWebSocketTransport({
    url: `${scheme}://${location.host}/rpc`,
    token: () => takeLaunchToken(location, history, sessionStorage) ?? '',
    keepToken: (token) => keepToken(token, sessionStorage),
  })
}

// Before the router exists: the fragment it is about to read must not hold the token.
const transport = createTransport()
if (!window.evenkeel) takeLaunchToken(location, history, sessionStorage)

const app = createApp(App)
app.provide(clientKey, createClient(transport))
app.use(createPinia())
const appearance = useAppearanceStore()
const i18n = createAppI18n(appearance.language)
watch(
  () => appearance.language,
  (language) => void loadFace(language).then(() => (i18n.global.locale.value = language)),
)
app.use(i18n)
app.use(createAppRouter())
void loadFace(appearance.language).finally(() => app.mount('#app'))
