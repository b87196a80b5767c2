// The map of the dashboard: a page is one file in pages/ and one line here. docs/dashboard.md says how to add one.
import type { ComponentType } from 'preact'
import type { FilterName } from './components/filters'

export interface PageProps {
	/** What the `{…}` of the path stand for. */
	params: Record<string, string>
}

export interface Page {
	path: string
	title: string
	/** Shown in the navigation; a page without it is reached from another. */
	nav?: string
	/** The page in the navigation that this one belongs to. */
	under?: string
	/** Who does not have one of these scopes does not see it. */
	scopes: readonly string[]
	filters: readonly FilterName[]
	load: () => Promise<{ default: ComponentType<PageProps> }>
}

const ALL: readonly FilterName[] = ['period', 'compare_to', 'team']

const PERIOD_AND_TEAM: readonly FilterName[] = ['period', 'team']

export const pages: Page[] = [
	{ path: '/', title: 'Summary', nav: 'Summary', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/summary') },
	{ path: '/reps', title: 'Reps', nav: 'Reps', scopes: ['read'], filters: ALL, load: () => import('./pages/reps') },
	{ path: '/reps/{id}', title: 'Rep', under: '/reps', scopes: ['read'], filters: ['period'], load: () => import('./pages/rep') },
	{ path: '/segments', title: 'Segments', nav: 'Segments', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/segments') },
	{ path: '/segments/{key}', title: 'Segment', under: '/segments', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/segment') },
	{ path: '/offer', title: 'Products and messages', nav: 'Offer', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/offer') },
	{ path: '/accounts', title: 'Accounts', nav: 'Accounts', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/accounts') },
	{ path: '/accounts/{id}', title: 'Account', under: '/accounts', scopes: ['read'], filters: [], load: () => import('./pages/account') },
	{ path: '/deals', title: 'Deals', nav: 'Deals', scopes: ['read'], filters: PERIOD_AND_TEAM, load: () => import('./pages/deals') },
	{ path: '/deals/{id}', title: 'Deal', under: '/deals', scopes: ['read'], filters: [], load: () => import('./pages/deal') },
	{ path: '/strategies', title: 'Strategy', nav: 'Strategy', scopes: ['read', 'strategy'], filters: [], load: () => import('./pages/strategies') },
	{ path: '/strategies/{id}', title: 'Strategy', under: '/strategies', scopes: ['read', 'strategy'], filters: [], load: () => import('./pages/strategy') },
	{ path: '/sources', title: 'Sources', nav: 'Sources', scopes: ['admin'], filters: [], load: () => import('./pages/sources') },
	{ path: '/sources/{source}', title: 'Source', under: '/sources', scopes: ['admin'], filters: [], load: () => import('./pages/source') },
	{ path: '/quarantine', title: 'Quarantine', nav: 'Quarantine', scopes: ['admin'], filters: [], load: () => import('./pages/quarantine') },
	{ path: '/quarantine/{id}', title: 'Quarantine', under: '/quarantine', scopes: ['admin'], filters: [], load: () => import('./pages/quarantine-item') }
]
