import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'
import OverviewPage from './features/overview/overview-page.vue'

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'overview', component: OverviewPage },
  { path: '/pools', name: 'pools', component: () => import('./features/pools/pools-page.vue') },
  { path: '/drains', name: 'drains', component: () => import('./features/drains/drains-page.vue') },
  { path: '/nodes', name: 'nodes', component: () => import('./features/nodes/nodes-page.vue') },
  { path: '/vips', name: 'vips', component: () => import('./features/vips/vips-page.vue') },
  { path: '/config', name: 'config', component: () => import('./features/config/config-page.vue') },
  { path: '/drills', name: 'drills', component: () => import('./features/drills/drills-page.vue') },
  { path: '/history', name: 'history', component: () => import('./features/history/history-page.vue') },
  { path: '/settings', name: 'settings', component: () => import('./features/settings/settings-page.vue') },
  { path: '/:rest(.*)*', redirect: '/' },
]

/** Hash history: the same addresses work under `app://`, in a browser and after a reload, with no server behind them. */
export const createAppRouter = () => createRouter({ history: createWebHashHistory(), routes })
